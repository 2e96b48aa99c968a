//go:build unix

package execx

import (
	"os"

	"golang.org/x/sys/unix"
)

// hungUp reports whether the pipe that r reads is empty and can never be
// written to again. A caller that read what it wanted, but not as far as the
// end of file, leaves it so.
func hungUp(r *os.File) bool {
	conn, err := r.SyscallConn()
	if err != nil {
		return false
	}
	hungUp := false
	conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 0); n == 1 && err == nil {
			hungUp = fds[0].Revents == unix.POLLHUP
		}
	})
	return hungUp
}
