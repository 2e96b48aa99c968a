//go:build !plan9 && !windows

package execx

import "syscall"

// errBrokenPipe reports whether err is that of writing to a pipe nobody reads.
func errBrokenPipe(err error) bool {
	return err == syscall.EPIPE
}
