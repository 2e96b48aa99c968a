package pidfd

// This package uses these features of Linux, by version:
//
//	2.6.9  waitid with WNOWAIT
//	5.1    pidfd_send_signal, with which package os sends signals
//	5.3    pidfd_open, and pidfds that can be polled
//	5.4    waitid with P_PIDFD
//	6.9    PIDFD_SIGNAL_PROCESS_GROUP, and a second event, EPOLLHUP, once the process is reaped
//	6.13   PIDFD_GET_INFO
//	6.15   PIDFD_INFO_EXIT
//
// Package os probes once for everything that an [os.Process] needs, and provides no handle if any
// of it is missing, so this package does not probe for it again.

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Process is an os.Process together with its PID, which [os.Process.Release] clears.
type Process struct {
	OS  *os.Process
	Pid int

	started bool   // by the user of this package
	child   bool   // when Of was called; always true with a pidfd
	ticks   uint32 // the start time in ticks since boot, modulo 2³², if p was returned by ByPID; or 0
}

// Started returns a Process for p, which no other code has access to yet.
func Started(p *os.Process) Process { return Process{OS: p, Pid: p.Pid, started: true, child: true} }

// Of returns a Process for p, which has not been released.
func Of(p *os.Process) Process {
	child := true
	if p.WithHandle(func(uintptr) {}) == os.ErrNoHandle {
		_, err := peek(unix.P_PID, p.Pid)
		child = err == nil
	}
	return Process{OS: p, Pid: p.Pid, child: child}
}

// Signal is like [os.Process.Signal].
func (p Process) Signal(sig os.Signal) error { return p.OS.Signal(sig) }

// Exited reports whether p has ended, reaped or not. It does not block and does not reap. A process
// that is stopped by a tracer has not ended.
//
// The error is [os.ErrNoHandle] if p has no pidfd and is not a child. Without a pidfd, p is
// identified by its PID alone. The PID of a child is not reused before the child is reaped, and
// package os records that if it happens through p. If the child was reaped in another way, by
// wait4(2) for instance, and another child has got its PID since, Exited reports on that child.
func (p Process) Exited() (bool, error) {
	var exited bool
	err := p.OS.WithHandle(func(handle uintptr) {
		// A readable pidfd is only a hint: that of a zombie under ptrace is readable while
		// waitid(2) would still block. So call waitid first, and poll only where waitid fails: for
		// a process that is not a child or has been reaped.
		code, err := peek(unix.P_PIDFD, int(handle))
		exited = isExit(code) || err != nil && readable(int(handle))
	})
	if err == os.ErrNoHandle {
		var code int32
		code, err = p.peekByPID()
		exited = isExit(code)
	}
	if err == os.ErrProcessDone {
		return true, nil
	}
	return exited, err
}

// Waitable reports whether p.Wait would return at once: if p has ended, if it is not a child, which
// makes Wait fail, or, if stops is set, if p has stopped and this process is its tracer. If p was
// released, the error is the one that package os returns.
func (p Process) Waitable(stops bool) (bool, error) {
	var code int32
	var peekErr error
	err := p.OS.WithHandle(func(handle uintptr) { code, peekErr = peek(unix.P_PIDFD, int(handle)) })
	if err == os.ErrNoHandle {
		code, err = p.peekByPID()
	}
	if peekErr != nil || err == os.ErrProcessDone || err == os.ErrNoHandle {
		return true, nil
	}
	return isExit(code) || stops && code != 0, err
}

// peekByPID is like peek, for a process without a pidfd. The error is [os.ErrProcessDone] if p was
// reaped through package os, [os.ErrNoHandle] if p is not a child, and the error of package os if p
// was released.
func (p Process) peekByPID() (code int32, err error) {
	code, err = peek(unix.P_PID, p.Pid)
	// Package os marks p as done before reaping it. If p is not marked now, waitid was called for
	// the PID while it still belonged to p.
	switch done := p.OS.Signal(unix.Signal(0)); {
	case done == errReleased():
		return 0, done
	case err == nil && isExit(code):
		return code, nil
	case done == os.ErrProcessDone:
		return 0, done
	case err != nil:
		return 0, os.ErrNoHandle
	}
	return code, nil
}

// Wait is like [os.Process.Wait], except that it fails with ECHILD if p, which had been started at
// the given time, has no pidfd and has been reaped. Package os would wait for whatever process has
// the PID now.
func (p Process) Wait(started time.Time) (*os.ProcessState, error) {
	if p.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle && !p.Pinned(started) {
		return nil, os.NewSyscallError("wait", unix.ECHILD)
	}
	return p.OS.Wait()
}

// Block blocks until p has ended or is no longer a child. It does not reap.
func (p Process) Block() error {
	err := p.OS.WithHandle(func(handle uintptr) { waitid(unix.P_PIDFD, int(handle), unix.WEXITED|unix.WNOWAIT) })
	if err == os.ErrNoHandle && !p.reapedWithoutPidfd() {
		waitid(unix.P_PID, p.Pid, unix.WEXITED|unix.WNOWAIT)
	}
	return nil
}

// WaitBriefly blocks the calling thread until p has ended, but for at most d. It may return early.
func (p Process) WaitBriefly(d time.Duration) {
	timeout := unix.NsecToTimespec(int64(d))
	p.OS.WithHandle(func(handle uintptr) {
		fds := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
		ignoringEINTR(func() error { // ppoll(2) updates timeout to the time left
			_, err := unix.Ppoll(fds, &timeout, nil)
			return err
		})
	})
}

// peek returns the si_code that waitid(2) would report for a child at once, or 0 if there is
// nothing to report. It fails with ECHILD if there is no such child.
//
// The tracer of a child also gets reports of its stops, whatever the options.
func peek(idType, id int) (code int32, err error) {
	_, code, err = waitid(idType, id, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	return code, err
}

// The values of si_code for a child that has ended; see sigaction(2).
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

func isExit(code int32) bool {
	return code == cldExited || code == cldKilled || code == cldDumped
}

// waitid calls waitid(2) and returns the PID and the si_code of the reported child, or zeros if
// there is nothing to report.
func waitid(idType, id, options int) (pid int, code int32, err error) {
	var info unix.Siginfo
	err = ignoringEINTR(func() error { return unix.Waitid(idType, id, &info, options, nil) })
	if err != nil || info.Signo == 0 {
		return 0, 0, err
	}
	// si_pid is the first of the fields whose meaning depends on the signal. They follow three
	// int32 fields, and are aligned like a pointer.
	const pointer = unsafe.Sizeof(uintptr(0))
	const offset = (3*4 + pointer - 1) / pointer * pointer
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset))), info.Code, nil
}

func readable(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	err := ignoringEINTR(func() error {
		_, err := unix.Poll(fds, 0)
		return err
	})
	return err == nil && fds[0].Revents != 0
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}
