package execx

import "syscall"

// isBrokenPipeErrno reports whether err is that of writing to a pipe that has no reader.
func isBrokenPipeErrno(err error) bool { return err == syscall.EPIPE }
