package execxtest

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/realtime"
)

// The kernel makes an orphan a child of the main thread of the subreaper, and any other child one
// of the thread that forked it. To tell the two apart, only the main goroutine may run on the main
// thread, because it starts no children while the tests run.
func init() { runtime.LockOSThread() }

var theSubreaper subreaper

// A subreaper keeps track of orphaned descendants.
type subreaper struct {
	mu          sync.Mutex // guards everything below
	refs        int
	active      bool              // whether this package has made the process a subreaper
	initialized bool              // whether initial is set
	initial     map[identity]bool // children of the main thread at that time
	orphans     map[identity]bool // processes certainly not started by this one
	timer       *time.Timer       // for the next scan, while active
}

// scanInterval is the time between scans for orphans to reap. It is short, so that code that waits
// until such a process is gone waits little longer than under init. A timer needs no goroutine that
// goleak would report.
const scanInterval = 50 * time.Millisecond

// becomeSubreaper makes this process a subreaper until release is called, unless it is one already
// or can't tell orphans from its own children.
func becomeSubreaper() (release func()) {
	r := &theSubreaper
	r.mu.Lock()
	defer r.mu.Unlock()
	pids, listed := mainThreadChildren()
	if realtime.InBubble() || !listed || !pidfd.Supported() {
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

// isSubreaper reports whether this process inherits orphans.
func isSubreaper() bool {
	var is int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&is)), 0, 0, 0)
	return err == nil && is != 0 || os.Getpid() == 1
}

// markAdopted marks the processes in list that were adopted, and returns list. If this package has
// made the process a subreaper, it reaps those that have ended; otherwise the program may reap them
// itself. It removes zombies that were reaped since list was read, here or by scanAgain.
func markAdopted(list []process) []process {
	r := &theSubreaper
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scanLocked()
	for i := range list {
		list[i].adopted = r.orphans[list[i].identity()]
	}
	return slices.DeleteFunc(list, func(p process) bool { return p.state == zombie && identify(p.pid) != p.identity() })
}

// scanLocked looks for orphans, and reaps those that have ended.
//
// A child of the main thread may also have been started by a thread that has ended, such as that of
// a locked goroutine. Its os.Process has a pidfd from the fork on, so a process without one when it
// is first seen is an orphan. An orphan that the program opens before that, with os.FindProcess, is
// taken for a child of its own until the os.Process is released or garbage collected.
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

// heldFunc returns a function that reports whether code in this program may wait for a child.
func heldFunc() func(pid int) bool {
	held, ok := pidfds()
	for _, info := range execx.Live() {
		held[info.Pid] = true
	}
	return func(pid int) bool { return !ok || held[pid] }
}

// pidfds returns the PIDs of the processes of which this process has pidfds, or false if they are
// unknown.
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

// mainThreadChildren returns the children of the main thread, or false if the kernel does not list
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
