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
// without reaping it. The error is [os.ErrNoHandle] where p has no pidfd.
func Exited(p *os.Process) (bool, error) {
	var exited bool
	err := p.WithHandle(func(handle uintptr) { exited = waitable(int(handle)) })
	if err == os.ErrProcessDone {
		return true, nil
	}
	return exited, err
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
	var info unix.Siginfo
	err := ignoringEINTR(func() error {
		return unix.Waitid(unix.P_PIDFD, fd, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	})
	if err == nil {
		return info.Signo != 0
	}
	return readable(fd)
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
