package thread

import "syscall"

// CheckAvailable returns EAGAIN if the limit on processes, which counts threads as well, allows no
// other thread. The runtime aborts a program that needs a thread then. CheckAvailable starts a
// process to find out, which fails before it executes anything.
func CheckAvailable() error {
	if _, err := syscall.ForkExec("", nil, nil); err == syscall.EAGAIN {
		return err
	}
	return nil
}
