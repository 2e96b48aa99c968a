package execx

import "syscall"

// isBrokenPipeErrno reports whether err is that of writing to a pipe nobody reads.
func isBrokenPipeErrno(err error) bool { return err == syscall.EPIPE }
