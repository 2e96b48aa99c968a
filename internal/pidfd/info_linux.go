package pidfd

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Status returns the wait status of p, which somebody other than os has reaped.
// It reports false if the kernel does not tell, as before Linux 6.15.
func (p Process) Status() (status unix.WaitStatus, ok bool) {
	p.OS.WithHandle(func(handle uintptr) {
		status, ok = exitStatus(int(handle))
		if ok || !statusWorks() {
			return
		}
		// The process is nobody's child from the moment that the other one
		// takes it, but its status is only there once it is gone for good.
		fds := []unix.PollFd{{Fd: int32(handle)}} // for POLLHUP
		const milliseconds = 10
		unix.Poll(fds, milliseconds)
		status, ok = exitStatus(int(handle))
	})
	return status, ok
}

// statusWorks reports whether the kernel knows the question at all.
var statusWorks = sync.OnceValue(func() bool {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return true // it may
	}
	defer unix.Close(fd)
	return unix.IoctlPidfdInfo(fd, &unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}) == nil
})

func exitStatus(fd int) (unix.WaitStatus, bool) {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	err := unix.IoctlPidfdInfo(fd, &info)
	return unix.WaitStatus(info.Exit_code), err == nil && info.Mask&unix.PIDFD_INFO_EXIT != 0
}
