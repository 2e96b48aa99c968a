package pidfd

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// Supported reports whether os gives a pidfd to every process that it starts.
func Supported() bool { return false }

// A Process is an os.Process and its number. While anybody has a handle of a process, the number is
// its own and its exit status is there to be read, whether or not somebody has waited for it.
type Process struct {
	OS  *os.Process
	Pid int

	started bool // by this package's user
}

// Started returns p, which nobody else has got yet, as a Process.
func Started(p *os.Process) Process { return Process{OS: p, Pid: p.Pid, started: true} }

// Of returns p, which was not released, as a Process.
func Of(p *os.Process) Process { return Process{OS: p, Pid: p.Pid} }

// Open returns the process of that number with an os.Process of its own.
func Open(pid int) (Process, error) {
	found, err := os.FindProcess(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{OS: found, Pid: pid}, nil
}

// Signal is [os.Process.Signal], except that [Null] asks whether p has ended.
func (p Process) Signal(sig os.Signal) error {
	if exited, err := p.Waitable(false); exited || err != nil {
		return os.ErrProcessDone
	}
	if sig == Null {
		return nil
	}
	err := p.OS.Signal(sig)
	if err == nil {
		return nil
	}
	if exited, _ := p.Waitable(false); exited { // meanwhile
		return os.ErrProcessDone
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok && call.Syscall == "TerminateProcess" && call.Err == windows.ERROR_ACCESS_DENIED {
		return nil // it is ending: os has seen to it that we have the right
	}
	return err
}

// Exited reports whether p has ended, without blocking. Of a process that was released or waited for,
// which os does not tell from each other, it is known if its number is nobody's.
func (p Process) Exited() (bool, error) {
	exited, err := p.Waitable(false)
	if err == nil {
		return exited, nil
	}
	found, openErr := Open(p.Pid)
	if errors.Is(openErr, windows.ERROR_INVALID_PARAMETER) {
		return true, nil
	}
	if openErr == nil {
		defer found.OS.Release()
		exited, _ = found.Waitable(false)
	}
	if exited {
		return true, nil
	}
	return false, err
}

// signaled reports whether the process of that handle has ended.
func signaled(handle uintptr) bool {
	event, err := windows.WaitForSingleObject(windows.Handle(handle), 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}

// Waitable reports whether p.Wait would return at once. The error is that of a process that was
// released or waited for.
func (p Process) Waitable(stops bool) (exited bool, err error) {
	err = p.OS.WithHandle(func(handle uintptr) { exited = signaled(handle) })
	return exited, err
}

// Released reports whether the program has called [os.Process.Release] or [os.Process.Wait].
func (p Process) Released() bool {
	return p.OS.WithHandle(func(uintptr) {}) == errReleased()
}

// errReleased returns what os says of a process that was released.
var errReleased = sync.OnceValue(func() error {
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	p.Release()
	return p.WithHandle(func(uintptr) {})
})

// Reopen returns p, which was started by the time given, with an os.Process of its own, which the
// program does not know of and so can neither release nor wait for. The error is
// [os.ErrProcessDone] if p has ended and nobody has a handle of it any more.
func (p Process) Reopen(started time.Time) (Process, error) {
	found, err := os.FindProcess(p.Pid)
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return p, os.ErrProcessDone
	}
	if err != nil {
		return p, err
	}
	var created windows.Filetime
	found.WithHandle(func(handle uintptr) { created, err = creation(windows.Handle(handle)) })
	if err == nil && time.Unix(0, created.Nanoseconds()).After(started) { // another of that number
		err = os.ErrProcessDone
	}
	if err != nil {
		found.Release()
		return p, err
	}
	return Process{OS: found, Pid: p.Pid, started: p.started}, nil
}

// creation returns when a process was created.
func creation(handle windows.Handle) (created windows.Filetime, err error) {
	var exit, kernel, user windows.Filetime
	err = windows.GetProcessTimes(handle, &created, &exit, &kernel, &user)
	return created, os.NewSyscallError("GetProcessTimes", err)
}

// AfterGarbage arranges for f to be called once p.OS is garbage, with what it returns
// itself: what Reopen does. If there is an error f is never called.
func (p Process) AfterGarbage(started time.Time, f func(own Process)) (own Process, err error) {
	own, err = p.Reopen(started)
	if err == nil {
		runtime.AddCleanup(p.OS, f, own)
	}
	return own, err
}

// Unreaped reports whether nobody has waited for p.
func (p Process) Unreaped(started time.Time) (bool, error) {
	return p.OS.WithHandle(func(uintptr) {}) == nil, nil
}

// Pinned reports whether the number of p is still its own, as far as is known: p has a handle.
func (p Process) Pinned(started time.Time) bool {
	return p.OS.WithHandle(func(uintptr) {}) == nil
}

// Block blocks until p has ended, without taking its handle from it.
func (p Process) Block() error {
	return p.OS.WithHandle(func(handle uintptr) {
		windows.WaitForSingleObject(windows.Handle(handle), windows.INFINITE)
	})
}

// WaitBriefly blocks the calling thread until p has ended, but for at most d.
func (p Process) WaitBriefly(d time.Duration) {
	p.OS.WithHandle(func(handle uintptr) {
		windows.WaitForSingleObject(windows.Handle(handle), uint32(d.Milliseconds()))
	})
}

// StatusLater reports whether it will be known how p has ended that somebody else has reaped.
func (p Process) StatusLater() bool { return false }

// AwaitStatus blocks until it is, but for at most d. Here it returns at once.
func (p Process) AwaitStatus(d time.Duration) {}

// ZombiePidfds returns the pidfds of the children that have ended. Here nobody is
// deprived of anything by a Wait.
func ZombiePidfds() (map[int][]int, error) { return nil, nil }

// Pidfds returns how many p has. Here it has none.
func (p Process) Pidfds() int { return 0 }

// Wait is [os.Process.Wait].
func (p Process) Wait(started time.Time) (*os.ProcessState, error) { return p.OS.Wait() }
