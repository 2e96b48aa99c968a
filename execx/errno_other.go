//go:build !unix && !plan9 && !windows

package execx

import "syscall"

// errBrokenPipe reports whether err is that of writing to a pipe nobody reads.
func errBrokenPipe(err error) bool { return err == syscall.EPIPE }

// isTextBusy reports whether err is that of executing a file that is open for writing.
// Nothing can be executed here.
func isTextBusy(err error) bool { return false }
