package thread

import "syscall"

// Room fails with EAGAIN if the limits on processes, which count threads as well, leave no room
// for one more: the runtime aborts the program that needs one then. A process is tried, which does
// not get as far as to execute anything.
func Room() error {
	if _, err := syscall.ForkExec("", nil, nil); err == syscall.EAGAIN {
		return err
	}
	return nil
}
