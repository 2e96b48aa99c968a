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

// Supported reports whether package os gets a pidfd for every process that it starts.
func Supported() bool { return false }

// A Process is an os.Process together with its PID, which [os.Process.Release] clears.
type Process struct {
	OS  *os.Process // nil after AfterGarbage
	Pid int

	started bool     // by the user of this package
	dropped *dropped // holds the os.Process if OS is nil
}

// Started returns a Process for p, which no other code has access to yet.
func Started(p *os.Process) Process { return Process{OS: p, Pid: p.Pid, started: true} }

// Of returns a Process for p, which has not been released.
func Of(p *os.Process) Process { return Process{OS: p, Pid: p.Pid} }

// osProcess returns the os.Process of p, or nil if it was garbage collected.
func (p Process) osProcess() *os.Process {
	if p.OS != nil {
		return p.OS
	}
	return p.dropped.get()
}

// A dropped is an os.Process that the garbage collector may find unreachable.
type dropped struct {
	ref     weak.Pointer[os.Process] // until it is found unreachable
	garbage chan struct{}            // closed when its finalizer is called
	process *os.Process              // set then
}

// get returns the os.Process. Between the garbage collection and the call of the finalizer nobody
// has it, so get waits, but not for long if other finalizers block.
func (d *dropped) get() *os.Process {
	if process := d.ref.Value(); process != nil {
		return process
	}
	select {
	case <-d.garbage:
		return d.process
	case <-time.After(time.Second):
		return nil
	}
}

// Open returns the process with the given PID, with an os.Process of its own.
func Open(pid int) (Process, error) {
	found, err := os.FindProcess(pid)
	return Process{OS: found, Pid: pid}, err
}

// Signal is like [os.Process.Signal].
func (p Process) Signal(sig os.Signal) error {
	process := p.osProcess()
	if process == nil {
		return os.ErrProcessDone
	}
	return process.Signal(sig)
}

// Exited reports whether p has ended, reaped or not. On this system, it always fails.
func (p Process) Exited() (bool, error) { return false, errors.ErrUnsupported }

// Waitable reports whether p.Wait would return at once. On this system, it always fails.
func (p Process) Waitable(stops bool) (bool, error) { return false, errors.ErrUnsupported }

// Released reports whether [os.Process.Release] was called for p, which is unknown on this system.
func (p Process) Released() bool { return false }

// Reopen returns p with a new os.Process. On this system, it always fails.
func (p Process) Reopen(started time.Time) (Process, error) { return p, errors.ErrUnsupported }

// AfterGarbage arranges for f to be called with p when p.OS becomes unreachable. It returns p with
// a weak pointer to p.OS. Only the os.Process itself records whether it was waited for, so f is
// called by a finalizer, which makes the os.Process reachable again. An object can have one
// finalizer, and the program may have set one, so AfterGarbage fails unless p was returned by
// Started.
func (p Process) AfterGarbage(started time.Time, f func(own Process)) (own Process, err error) {
	if !p.started {
		return p, errors.ErrUnsupported
	}
	own = Process{Pid: p.Pid, dropped: &dropped{ref: weak.Make(p.OS), garbage: make(chan struct{})}}
	runtime.SetFinalizer(p.OS, func(process *os.Process) { // must not refer to p, which refers to the object
		own.dropped.process = process
		close(own.dropped.garbage)
		f(Process{OS: process, Pid: own.Pid})
	})
	return own, nil
}

// ByPID returns p, which has no pidfd.
func (p Process) ByPID() Process { return p }

// Unreaped reports whether p is a child that was neither reaped through package os nor released.
func (p Process) Unreaped(started time.Time) (bool, error) {
	process := p.osProcess()
	if process == nil {
		return false, nil
	}
	err := process.Signal(Null)
	return err != os.ErrProcessDone && err != syscall.EINVAL && process.Pid == p.Pid, nil
}

// Pinned reports whether the PID of p still belongs to p, as far as package os can tell.
func (p Process) Pinned(started time.Time) bool {
	unreaped, _ := p.Unreaped(started)
	return unreaped
}

// Block blocks until p has ended, without reaping it. On this system, it always fails.
func (p Process) Block() error { return errors.ErrUnsupported }

// StatusLater reports whether the status of p, which was reaped elsewhere, may become available.
func (p Process) StatusLater() bool { return false }

// AwaitStatus blocks until the status is available, but for at most d. On this system, it returns
// at once.
func (p Process) AwaitStatus(d time.Duration) {}

// ZombiePidfds returns the pidfds of the children that are zombies, by PID. There are none on this
// system.
func ZombiePidfds() (map[int][]int, error) { return nil, nil }

// Pidfds returns the number of pidfds that p has: 0 on this system.
func (p Process) Pidfds() int { return 0 }

// Wait is like [os.Process.Wait].
func (p Process) Wait(started time.Time) (*os.ProcessState, error) { return p.OS.Wait() }

// WaitBriefly blocks the calling thread until p has ended, but for at most d. On this system, it
// returns at once.
func (p Process) WaitBriefly(d time.Duration) {}

// AfterExit arranges for f to be called when p has ended. On this system, it always fails, and f is
// never called.
func (p Process) AfterExit(f func()) (*Watch, error) { return nil, errors.ErrUnsupported }

// AfterStateChange is like AfterExit, for a child that this process traces.
func (p Process) AfterStateChange(f func()) (*Watch, error) { return nil, errors.ErrUnsupported }

// A Watch is a process being watched. There are none on this system.
type Watch struct{}

// Stop ends the watch.
func (w *Watch) Stop() {}
