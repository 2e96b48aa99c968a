//go:build unix

package execx

import (
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// wake makes all reads of r fail, including those that are blocked. It returns false where that is
// not possible.
func wake(r *os.File, reading *atomic.Int32) bool {
	r.SetReadDeadline(time.Unix(1, 0)) // fails if r is in blocking mode or closed
	return true
}

// setNonblock makes reads of r block in the runtime's network poller again, where they can be
// woken.
func setNonblock(r *os.File) {
	control(r, func(fd int) { unix.SetNonblock(fd, true) })
}

// readBuffered reads what is in the pipe. It returns 0 if the pipe is empty.
func readBuffered(r *os.File, b []byte) (n int, err error) {
	controlErr := control(r, func(fd int) {
		if poll(fd)&unix.POLLIN == 0 || len(b) == 0 {
			return
		}
		for {
			n, err = unix.Read(fd, b)
			if err != unix.EINTR {
				break
			}
		}
		if n, err = max(n, 0), os.NewSyscallError("read", err); err == unix.EAGAIN {
			err = nil
		}
	})
	if controlErr != nil {
		err = controlErr
	}
	return n, err
}

// hungUp reports whether the pipe that r reads from is empty and has no writer any more. This is
// how a reader leaves it that has read everything except the end of file.
func hungUp(r *os.File) bool {
	hungUp := false
	control(r, func(fd int) { hungUp = poll(fd) == unix.POLLHUP })
	return hungUp
}

func poll(fd int) (events int) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return int(fds[0].Revents) // its type depends on the system
		}
	}
}

func control(r *os.File, f func(fd int)) error {
	conn, err := r.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(func(fd uintptr) { f(int(fd)) })
}
