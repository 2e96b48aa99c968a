package pidfd

import (
	"errors"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/windows"
)

// Supported reports whether package os gives a pidfd to every process that it starts.
func Supported() bool { return false }

// A Process is an os.Process and its PID. While any handle of a process is open, the PID is not
// reused, and its exit status can be read, no matter whether it was waited for.
type Process struct {
	OS  *os.Process
	Pid int

	started bool // returned by Started
}

// Started returns p, which was just started, as a Process.
func Started(p *os.Process) Process { return Process{OS: p, Pid: p.Pid, started: true} }

// Of returns p, which was not released, as a Process.
func Of(p *os.Process) Process { return Process{OS: p, Pid: p.Pid} }

// Open returns the process with the PID, with an os.Process of its own.
func Open(pid int) (Process, error) {
	found, err := os.FindProcess(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{OS: found, Pid: pid}, nil
}

// Signal sends sig to p, as [os.Process.Signal] does. If sig is [Null] it only reports whether p
// has ended.
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
	if exited, _ := p.Waitable(false); exited { // it ended meanwhile
		return os.ErrProcessDone
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok && call.Syscall == "TerminateProcess" && call.Err == windows.ERROR_ACCESS_DENIED {
		return nil // it is ending; package os has opened it with the right to terminate it
	}
	return err
}

// Exited reports whether p has ended, without blocking. If p was released or waited for, which
// package os does not tell apart, p has ended if no process has its PID.
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

// signaled reports whether the process of the handle has ended.
func signaled(handle uintptr) bool {
	event, err := windows.WaitForSingleObject(windows.Handle(handle), 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}

// Waitable reports whether p.Wait would return at once. It fails if p was released or waited for.
func (p Process) Waitable(stops bool) (exited bool, err error) {
	err = p.OS.WithHandle(func(handle uintptr) { exited = signaled(handle) })
	return exited, err
}

// Released reports whether the program has called [os.Process.Release] or [os.Process.Wait].
func (p Process) Released() bool {
	err := p.OS.WithHandle(func(uintptr) {})
	return err != nil && err != os.ErrNoHandle
}

// Reopen returns p, which was started before started, with another os.Process, which the program
// can neither release nor wait for. It returns [os.ErrProcessDone] if p has ended and no handle of
// it is open.
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
	if err == nil && time.Unix(0, created.Nanoseconds()).After(started.Add(tick)) { // the PID was reused
		err = os.ErrProcessDone
	}
	if err != nil {
		found.Release()
		return p, err
	}
	return Process{OS: found, Pid: p.Pid, started: p.started}, nil
}

// tick is more than the time between two ticks of the clock of time.Now, which can be late by that
// much. The time at which a process is created may be more precise.
const tick = 20 * time.Millisecond

// creation returns the time at which a process was created.
func creation(handle windows.Handle) (created windows.Filetime, err error) {
	var exit, kernel, user windows.Filetime
	err = windows.GetProcessTimes(handle, &created, &exit, &kernel, &user)
	return created, os.NewSyscallError("GetProcessTimes", err)
}

// AfterGarbage arranges for f to be called once p.OS is unreachable, with the Process that
// AfterGarbage returns, which is that of Reopen. If it returns an error, f is never called.
func (p Process) AfterGarbage(started time.Time, f func(own Process)) (own Process, err error) {
	own, err = p.Reopen(started)
	if err == nil {
		runtime.AddCleanup(p.OS, f, own)
	}
	return own, err
}

// ByPID returns p: there is no need to save handles, of which a program can have millions.
func (p Process) ByPID() Process { return p }

// Unreaped reports whether p was neither waited for nor released.
func (p Process) Unreaped(started time.Time) (bool, error) {
	return p.OS.WithHandle(func(uintptr) {}) == nil, nil
}

// Pinned reports whether the PID of p can't have been reused: p has a handle.
func (p Process) Pinned(started time.Time) bool {
	return p.OS.WithHandle(func(uintptr) {}) == nil
}

// Block blocks until p has ended, without closing its handle.
func (p Process) Block() error {
	return p.OS.WithHandle(func(handle uintptr) {
		windows.WaitForSingleObject(windows.Handle(handle), windows.INFINITE)
	})
}

// WaitBriefly blocks the calling thread until p has ended or d has passed.
func (p Process) WaitBriefly(d time.Duration) {
	p.OS.WithHandle(func(handle uintptr) {
		windows.WaitForSingleObject(windows.Handle(handle), uint32(d.Milliseconds()))
	})
}

// StatusLater returns false: the exit status of a process that has ended is available at once.
func (p Process) StatusLater() bool { return false }

// AwaitStatus returns at once.
func (p Process) AwaitStatus(d time.Duration) {}

// ZombiePidfds returns no pidfds. Waiting for a process does not disturb others that wait for it.
func ZombiePidfds() (map[int][]int, error) { return nil, nil }

// Pidfds returns 0.
func (p Process) Pidfds() int { return 0 }

// Wait waits for p, as [os.Process.Wait] does.
func (p Process) Wait(started time.Time) (*os.ProcessState, error) { return p.OS.Wait() }
