//go:build unix

package execx

import (
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// wake has all reads of r fail, those that are under way as well. It reports false where
// that can't be done.
func wake(r *os.File, reading *atomic.Int32) bool {
	r.SetReadDeadline(time.Unix(1, 0)) // fails if it is in blocking mode, or closed: nothing helps then
	return true
}

// setNonblock has reads of r park in the runtime's poller again, which can be woken there.
func setNonblock(r *os.File) {
	control(r, func(fd int) { unix.SetNonblock(fd, true) })
}

// readBuffered reads what is in the pipe now. It returns 0 if there is nothing.
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

// hungUp reports whether the pipe that r reads is empty and can never be
// written to again. A caller that read what it wanted, but not as far as the
// end of file, leaves it so.
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
			return int(fds[0].Revents) // whose type is not the same everywhere
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
