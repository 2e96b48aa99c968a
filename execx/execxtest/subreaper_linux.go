package execxtest

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
)

// The kernel gives an orphan to the main thread of the subreaper, and lists a child under the
// thread that has forked it. So that the two differ, nothing but the main goroutine, which
// starts no child while the tests run, is to run on the main thread.
func init() { runtime.LockOSThread() }

var theSubreaper subreaper

// A subreaper is what is known of the orphans of our descendants.
type subreaper struct {
	mu          sync.Mutex // guards everything below
	refs        int
	active      bool              // this process is the subreaper because of us
	initialized bool              // orphans are told from own children since
	initial     map[identity]bool // what was under the main thread then
	orphans     map[identity]bool // what is certainly not of this process's own making
	timer       *time.Timer       // for the next look, while it is ours
}

// lookEvery is how often orphans that have ended are reaped: who waits until such a process
// is gone does not wait for much longer than under init. A timer needs no goroutine
// that goleak would find.
const scanInterval = 50 * time.Millisecond

// beSubreaper makes this process the subreaper of its descendants until release is called, unless it
// is one already, or can't tell orphans from its own children.
func becomeSubreaper() (release func()) {
	r := &theSubreaper
	r.mu.Lock()
	defer r.mu.Unlock()
	pids, listed := mainThreadChildren()
	if inBubble() || !listed || !pidfd.Supported() {
		return func() {}
	}
	if !r.initialized {
		r.initialized = true
		r.initial = make(map[identity]bool)
		for _, pid := range pids {
			r.initial[identify(pid)] = true
		}
	}
	if !isSubreaper() && unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == nil {
		r.active = true
		r.timer = time.AfterFunc(scanInterval, scanAgain)
	}
	r.refs++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refs--; r.refs == 0 && r.active {
			r.timer.Stop()
			r.scanLocked()
			r.active = false
			unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
		}
	}
}

func scanAgain() {
	r := &theSubreaper
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active {
		r.scanLocked()
		r.timer.Reset(scanInterval)
	}
}

// isSubreaper reports whether the kernel gives orphans to this process.
func isSubreaper() bool {
	var is int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&is)), 0, 0, 0)
	return err == nil && is != 0 || os.Getpid() == 1
}

// markAdopted marks those of the list that were adopted, and reaps those that have ended if
// it is because of us that they were. The program may have something to reap them with if it is not.
func markAdopted(list []process) {
	r := &theSubreaper
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scanLocked()
	for i := range list {
		list[i].adopted = r.orphans[list[i].identity()]
	}
}

// look looks for orphans, and reaps those that have ended. r.mu is held.
//
// What is under the main thread may also be a child whose thread has ended, as that
// of a locked goroutine does. Its os.Process has a pidfd, from the fork on, so what has none
// when it is first seen is an orphan. One that the program opens before, by os.FindProcess, is
// taken for its own until that is released or garbage.
func (r *subreaper) scanLocked() {
	if !r.initialized {
		return
	}
	pids, _ := mainThreadChildren()
	orphans := make(map[identity]bool, len(r.orphans))
	var held func(pid int) bool
	for _, pid := range pids {
		id := identify(pid)
		if r.initial[id] {
			continue
		}
		if !r.orphans[id] {
			if held == nil {
				held = heldFunc()
			}
			if held(pid) {
				continue
			}
		}
		if r.active && pidfd.ReapZombie(pid, func() bool { return identify(pid) == id }) {
			continue
		}
		orphans[id] = true
	}
	r.orphans = orphans
}

// holder returns a function that reports whether somebody in this program may wait for a
// child.
func heldFunc() func(pid int) bool {
	held, ok := pidfds()
	for _, info := range execx.Live() {
		held[info.Pid] = true
	}
	return func(pid int) bool { return !ok || held[pid] }
}

// pidfds returns the processes that this process has pidfds of, or false if that can't
// be told.
func pidfds() (map[int]bool, bool) {
	held := make(map[int]bool)
	const dir = "/proc/thread-self/fdinfo/"
	list, err := os.Open(dir)
	if err != nil {
		return held, false
	}
	defer list.Close()
	names, err := list.Readdirnames(-1)
	if err != nil {
		return held, false
	}
	for _, name := range names {
		info, err := os.ReadFile(dir + name)
		if err != nil && !os.IsNotExist(err) {
			return held, false
		}
		for line := range bytes.Lines(info) {
			if value, ok := bytes.CutPrefix(line, []byte("Pid:")); ok {
				pid, _ := strconv.Atoi(string(bytes.TrimSpace(value)))
				held[pid] = true
			}
		}
	}
	return held, true
}

// underMainThread returns the children of the main thread, or false if the kernel does not list
// them.
func mainThreadChildren() ([]int, bool) {
	if !procfs.Usable() {
		return nil, false
	}
	pids, err := procfs.MainThreadChildren()
	return pids, err == nil
}

func identify(pid int) identity {
	stat, _ := procfs.Read(pid)
	return identity{pid, stat.Started}
}

// inBubble reports whether the caller is in a bubble of testing/synctest, whose timers
// are not for what outlives it.
func inBubble() bool {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_REALTIME, &now)
	return err == nil && time.Until(time.Unix(now.Unix())).Abs() > time.Hour
}
