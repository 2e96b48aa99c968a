package pidfd

// Linux by version, for what is used here:
//
//	2.6.9  waitid with WNOWAIT
//	5.3    pidfd_open, and pidfds that can be polled
//	5.4    waitid with P_PIDFD
//	6.9    a second event, EPOLLHUP, once the process has been reaped
//
// Package os probes for all that an [os.Process] needs, once, and hands out no
// handle where it is missing, so nothing is probed again.

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Exited reports whether p has ended, reaped or not, without blocking and
// without reaping it.
//
// The error is [os.ErrNoHandle] if p has no pidfd and is not a child. Without
// pidfd p is known by its number alone. The number of a child is its own until it
// is reaped, and os knows of a child that was reaped through p. It does not
// know of one that somebody else has reaped, by wait4(2) for instance: if its number
// has since been given to another child, the answer is that child's.
func Exited(p *os.Process) (bool, error) {
	var exited bool
	err := p.WithHandle(func(handle uintptr) { exited = waitable(int(handle)) })
	if err == os.ErrNoHandle {
		exited, err = waitableByNumber(p)
	}
	if err == os.ErrProcessDone {
		return true, nil
	}
	return exited, err
}

// Wait is p.Wait, except that it can be called for a process that has no pidfd
// and has been reaped through p: os would wait for whatever has its number now.
func Wait(p *os.Process) (*os.ProcessState, error) {
	if reapedByNumber(p) {
		return nil, os.NewSyscallError("wait", unix.ECHILD)
	}
	return p.Wait()
}

// reapedByNumber reports whether os has reaped p, which has no pidfd.
func reapedByNumber(p *os.Process) bool {
	return p.WithHandle(func(uintptr) {}) == os.ErrNoHandle && p.Signal(unix.Signal(0)) == os.ErrProcessDone
}

// Linger blocks the calling thread until p has ended, but for at most d. It may
// return sooner.
func Linger(p *os.Process, d time.Duration) {
	timeout := unix.NsecToTimespec(int64(d))
	p.WithHandle(func(handle uintptr) {
		fds := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
		ignoringEINTR(func() error { // ppoll(2) leaves in timeout what is left of it
			_, err := unix.Ppoll(fds, &timeout, nil)
			return err
		})
	})
}

// waitable reports whether a wait for the process that fd refers to would
// return at once.
//
// That fd polls readable is no more than a hint, since a zombie under ptrace
// does too while waitid(2) would still block for it. waitid is asked first,
// and poll only about what waitid does not know: a process that is not a
// child, or that has been reaped by somebody else.
func waitable(fd int) bool {
	exited, err := waitid(unix.P_PIDFD, fd)
	if err == nil {
		return exited
	}
	return readable(fd)
}

// waitableByNumber is waitable for a process without pidfd. It fails with
// [os.ErrProcessDone] if p has been reaped, [os.ErrNoHandle] if p is not a child.
func waitableByNumber(p *os.Process) (bool, error) {
	exited, err := waitid(unix.P_PID, p.Pid)
	if exited {
		return true, nil
	}
	// os notes that p is done before it reaps p. If it has not by now, the number
	// was still that of p in waitid.
	switch {
	case p.Signal(unix.Signal(0)) == os.ErrProcessDone:
		return false, os.ErrProcessDone
	case err != nil:
		return false, os.ErrNoHandle
	}
	return false, nil
}

// waitid reports whether waitid(2) would return at once with the end of a child.
func waitid(idType, id int) (bool, error) {
	var info unix.Siginfo
	err := ignoringEINTR(func() error {
		return unix.Waitid(idType, id, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	})
	return err == nil && info.Signo != 0, err
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
