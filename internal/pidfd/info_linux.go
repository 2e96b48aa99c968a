package pidfd

import (
	"time"

	"golang.org/x/sys/unix"
)

// Status returns the wait status of p, which somebody other than os has reaped.
// It reports false if the kernel does not tell, as before Linux 6.15, or not yet.
func (p Process) Status() (status unix.WaitStatus, ok bool) {
	p.OS.WithHandle(func(handle uintptr) { status, ok = exitStatus(int(handle)) })
	return status, ok
}

// StatusLater reports whether Status may tell after a while of a process that has ended.
func (p Process) StatusLater() bool {
	var later bool
	p.OS.WithHandle(func(handle uintptr) {
		_, ok := exitStatus(int(handle))
		later = !ok && readable(int(handle)) && statusWorks()
	})
	return later
}

// AwaitStatus blocks until Status tells all that it ever will, but for at most d. A process is
// nobody's child from the moment that another one takes it, but its status is only there once it is
// gone for good.
func (p Process) AwaitStatus(d time.Duration) {
	p.OS.WithHandle(func(handle uintptr) {
		fds := []unix.PollFd{{Fd: int32(handle)}} // for POLLHUP
		unix.Poll(fds, int(d.Milliseconds()))
	})
}

// statusWorks reports whether the kernel knows the question at all, or that could not be asked.
func statusWorks() bool {
	works, err := statuses.ask()
	return works || err != nil
}

var statuses = probe{f: func() (bool, error) {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	err = unix.IoctlPidfdInfo(fd, &unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT})
	return err == nil, err
}}

func exitStatus(fd int) (unix.WaitStatus, bool) {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	err := unix.IoctlPidfdInfo(fd, &info)
	return unix.WaitStatus(info.Exit_code), err == nil && info.Mask&unix.PIDFD_INFO_EXIT != 0
}
