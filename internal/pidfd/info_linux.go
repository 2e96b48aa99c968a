package pidfd

import (
	"time"

	"golang.org/x/sys/unix"
)

// Status returns the wait status of p, which has been reaped, but not through package os. ok is
// false if the kernel does not provide it, as before Linux 6.15, or does not yet.
func (p Process) Status() (status unix.WaitStatus, ok bool) {
	p.OS.WithHandle(func(handle uintptr) { status, ok = exitStatus(int(handle)) })
	return status, ok
}

// StatusLater reports whether Status may return the status of p, which has ended, at a later time.
func (p Process) StatusLater() bool {
	var later bool
	p.OS.WithHandle(func(handle uintptr) {
		_, ok := exitStatus(int(handle))
		later = !ok && readable(int(handle)) && statusWorks()
	})
	return later
}

// AwaitStatus blocks until Status returns its final result, but for at most d. Once another thread
// starts to reap a process, it is no longer a child, but its status is available only after it is
// fully released.
func (p Process) AwaitStatus(d time.Duration) {
	p.OS.WithHandle(func(handle uintptr) {
		fds := []unix.PollFd{{Fd: int32(handle)}} // for POLLHUP
		unix.Poll(fds, int(d.Milliseconds()))
	})
}

// statusWorks reports whether the kernel supports PIDFD_INFO_EXIT, or the probe failed.
func statusWorks() bool {
	works, err := statuses.get()
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
