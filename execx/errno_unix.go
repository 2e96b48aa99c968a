//go:build unix

package execx

import (
	"errors"
	"syscall"
)

// errBrokenPipe reports whether err is that of writing to a pipe nobody reads.
func errBrokenPipe(err error) bool {
	return err == syscall.EPIPE
}

// isTextBusy reports whether err is that of executing a file that is open for writing.
func isTextBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }
