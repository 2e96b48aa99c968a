package reaper

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/realtime"
	"go.execx.dev/internal/thread"
)

// A mainThread identifies children that were certainly adopted. The reaper runs on the main thread
// and keeps all other goroutines off it.
//
// The kernel records which thread started a child. When that thread ends, its children become those
// of the main thread, and so do the orphans that this process inherits. Therefore, if the main
// thread has started no child, and no thread that might have started one has ended, a child of the
// main thread was started by another process.
type mainThread struct {
	since   time.Time    // since when the main thread has started no child and no thread has ended
	threads map[int]bool // as of the last scan
}

func isMainThread() bool { return unix.Gettid() == os.Getpid() }

// adopted returns the zombies that were certainly started by another process. For the others that
// can never be established later. The main thread must call adopted in each scan. It does not
// notice a thread that starts and ends between two scans.
func (m *mainThread) adopted(zombies []process) map[process]bool {
	if m == nil {
		return nil
	}
	adopted := make(map[process]bool)
	for _, z := range zombies {
		if z.started != "" && pidfd.IsThreadZombie(z.pid) {
			adopted[z] = true
		}
	}
	// If a thread has left one of them to the main thread, that thread has ended or is about to.
	m.update()
	for z := range adopted {
		if early, err := (procfs.Stat{Started: z.started}).StartedBy(m.since); early || err != nil {
			delete(adopted, z)
		}
	}
	return adopted
}

func (m *mainThread) update() {
	now := threads()
	if len(m.threads) == 0 || !containsAll(now, m.threads) {
		m.since = realtime.Now()
	}
	m.threads = now
}

func containsAll(all, some map[int]bool) bool {
	for tid := range some {
		if !all[tid] {
			return false
		}
	}
	return true
}

// threads returns the IDs of the threads of this process, or nil if they can't be listed.
func threads() map[int]bool {
	threads := make(map[int]bool)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil {
			threads[tid] = true
		}
	}
	return threads
}

// onMainThread calls f on the main thread, locked to it, if that is the calling thread or is idle.
// It reports whether it has called f, after f has returned, and whether it has searched the idle
// threads of the runtime for the main thread.
func onMainThread(f func()) (ran, searched bool) {
	if isMainThread() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if isMainThread() {
			f()
			return true, false
		}
	}
	if !mainThreadIsParked() || thread.CheckAvailable() != nil {
		return false, false
	}
	found, done := make(chan bool), make(chan struct{})
	go search(threads(), found, func() {
		defer close(done)
		f()
	})
	if !<-found {
		return false, true
	}
	<-done
	return true, true
}

// sysFutexTime64 is the number of futex_time64(2), which the runtime uses on 32-bit systems since
// Linux 5.1. It is the same on all of them, and unused on 64-bit ones.
const sysFutexTime64 = 422

// mainThreadIsParked reports whether the main thread waits on a futex, so that it may be idle.
func mainThreadIsParked() bool {
	content, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/syscall")
	if err != nil {
		return false
	}
	number, _, _ := bytes.Cut(content, []byte(" "))
	call, err := strconv.Atoi(string(number)) // fails for a thread that runs
	return err == nil && (call == unix.SYS_FUTEX || call == sysFutexTime64)
}

// search calls f if it runs on the main thread. Otherwise it keeps its thread occupied while
// another search makes the runtime use the next idle one. It sends whether the main thread was
// found before f is called.
func search(idle map[int]bool, found chan<- bool, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	switch tid := unix.Gettid(); {
	case isMainThread():
		found <- true
		f()
	case !idle[tid]: // a new thread: no other one was idle
		found <- false
	default:
		next := make(chan bool)
		go search(idle, next, f)
		found <- <-next
	}
}
