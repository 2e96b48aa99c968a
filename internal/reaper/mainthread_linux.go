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
	"go.execx.dev/internal/thread"
)

// A mainThread is the main thread of the program, which the reaper runs on and nobody else
// does. It tells what was certainly adopted.
//
// A child is the child of the thread that has started it. If that ends, it becomes the main
// thread's, and so does every orphan that the program is given. What is a child of the
// main thread, though that has started nothing and no thread has ended that may have,
// was therefore started by another process.
type mainThread struct {
	since   time.Time    // the main thread has started nothing, and no thread has ended
	threads map[int]bool // at the last look
}

func isMainThread() bool { return unix.Gettid() == os.Getpid() }

// adopted returns those of the zombies that another process has certainly started. What is not
// certain never will be. It is called at every look, by the main thread. It does not know of a
// thread that has come and gone between two looks.
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
	// A thread that has left one of them to the main thread is gone by now, or about to be.
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
		m.since = time.Now()
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

// threads returns the numbers of the threads of the program, or none if they can't be told.
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

// onMainThread calls f on the main thread, and locked to it, if that is the calling one or idle. It
// reports whether that was so, once f has returned, and whether the runtime was asked for its
// threads.
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

// mainThreadIsParked reports whether the runtime may have no use for the main thread: it waits on a
// futex.
func mainThreadIsParked() bool {
	call, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/syscall")
	return err == nil && bytes.HasPrefix(call, []byte(strconv.Itoa(unix.SYS_FUTEX)+" "))
}

// hunt calls f if it is on the main thread. Otherwise it keeps the thread that it is on, while
// another hunt has the runtime take the next idle one. It tells found the result before f is called.
func search(idle map[int]bool, found chan<- bool, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	switch tid := unix.Gettid(); {
	case isMainThread():
		found <- true
		f()
	case !idle[tid]: // a new one, as no other was idle
		found <- false
	default:
		next := make(chan bool)
		go search(idle, next, f)
		found <- <-next
	}
}
