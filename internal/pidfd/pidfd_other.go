//go:build !linux && !windows

package pidfd

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"
	"weak"
)

// Supported reports whether os gives a pidfd to every process that it starts.
func Supported() bool { return false }

// A Process is an os.Process and its number, which [os.Process.Release] takes
// away from it.
type Process struct {
	OS  *os.Process // nil after AfterGarbage
	Pid int

	started bool                     // by this package's user
	theirs  weak.Pointer[os.Process] // if OS is nil
}

// Started returns p, which nobody else has got yet, as a Process.
func Started(p *os.Process) Process { return Process{OS: p, Pid: p.Pid, started: true} }

// Of returns p, which was not released, as a Process.
func Of(p *os.Process) Process { return Process{OS: p, Pid: p.Pid} }

// get returns p.OS, or nil if that is garbage.
func (p Process) get() *os.Process {
	if p.OS != nil {
		return p.OS
	}
	return p.theirs.Value()
}

// Open returns the process of that number with an os.Process of its own.
func Open(pid int) (Process, error) {
	found, err := os.FindProcess(pid)
	return Process{OS: found, Pid: pid}, err
}

// Signal is [os.Process.Signal].
func (p Process) Signal(sig os.Signal) error {
	process := p.get()
	if process == nil {
		return os.ErrProcessDone
	}
	return process.Signal(sig)
}

// Exited reports whether p has ended, reaped or not, without blocking and
// without reaping it. Here it always fails.
func (p Process) Exited() (bool, error) { return false, errors.ErrUnsupported }

// Waitable reports whether p.Wait would return at once. Here it always fails.
func (p Process) Waitable(stops bool) (bool, error) { return false, errors.ErrUnsupported }

// Released reports whether the program has called [os.Process.Release], which
// cannot be told here.
func (p Process) Released() bool { return false }

// Reopen returns p with an os.Process of its own. Here it always fails.
func (p Process) Reopen(started time.Time) (Process, error) { return p, errors.ErrUnsupported }

// AfterGarbage arranges for f to be called with p once the program can't reach p.OS any
// longer. It returns p with a weak hold of that. Nothing but os.Process itself knows whether
// it was waited for, and so it is a finalizer that calls f, which brings it back. That
// is possible only once, and only if nobody else may have set one: it fails unless p is what
// Started has returned.
func (p Process) AfterGarbage(started time.Time, f func(own Process)) (own Process, err error) {
	if !p.started {
		return p, errors.ErrUnsupported
	}
	runtime.SetFinalizer(p.OS, func(process *os.Process) { f(Process{OS: process, Pid: p.Pid}) })
	return Process{Pid: p.Pid, theirs: weak.Make(p.OS)}, nil
}

// Unreaped reports whether p is a child that has not been reaped through os, or released.
func (p Process) Unreaped(started time.Time) (bool, error) {
	process := p.get()
	if process == nil {
		return false, nil
	}
	err := process.Signal(Null)
	return err != os.ErrProcessDone && err != syscall.EINVAL && process.Pid == p.Pid, nil
}

// Pinned reports whether the number of p is still its own, as far as os can tell.
func (p Process) Pinned(started time.Time) bool {
	unreaped, _ := p.Unreaped(started)
	return unreaped
}

// Block blocks until p has ended, without reaping it. Here it always fails.
func (p Process) Block() error { return errors.ErrUnsupported }

// StatusLater reports whether it will be known how p has ended that somebody else has reaped.
func (p Process) StatusLater() bool { return false }

// AwaitStatus blocks until it is, but for at most d. Here it returns at once.
func (p Process) AwaitStatus(d time.Duration) {}

// HeldZombies returns how many pidfds there are of each child that has ended. Here there
// are none.
func HeldZombies() (map[int]int, error) { return nil, nil }

// Pidfds returns how many p has. Here it has none.
func (p Process) Pidfds() int { return 0 }

// Wait is [os.Process.Wait].
func (p Process) Wait(started time.Time) (*os.ProcessState, error) { return p.OS.Wait() }

// WaitBriefly blocks the calling thread until p has ended, but for at most d. Here it
// returns at once.
func (p Process) WaitBriefly(d time.Duration) {}

// AfterExit arranges for f to be called once p has ended. Here it always
// fails, and f is never called.
func (p Process) AfterExit(f func()) (*Watch, error) { return nil, errors.ErrUnsupported }

// AfterStateChange is AfterExit for a child that this program traces.
func (p Process) AfterStateChange(f func()) (*Watch, error) { return nil, errors.ErrUnsupported }

// A Watch is one process being watched. Here there is none.
type Watch struct{}

// Stop ends the watch.
func (w *Watch) Stop() {}
