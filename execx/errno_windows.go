package execx

import (
	"errors"

	"golang.org/x/sys/windows"
)

// errBrokenPipe reports whether err is that of writing to a pipe nobody reads.
func errBrokenPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}

// isTextBusy reports whether err is that of executing a file that is open for writing, which
// is not told from others here.
func isTextBusy(err error) bool { return false }
