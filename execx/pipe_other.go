//go:build !unix && !windows

package execx

import (
	"errors"
	"os"
	"sync/atomic"
)

// wake reports false: here a read can't be ended but by the end of the pipe.
func wake(r *os.File, reading *atomic.Int32) bool { return false }

// setNonblock does nothing.
func setNonblock(r *os.File) {}

// readBuffered is not called where wake reports false.
func readBuffered(r *os.File, b []byte) (n int, err error) { return 0, errors.ErrUnsupported }

// hungUp reports whether the pipe that r reads is known to be empty and can never
// be written to again.
func hungUp(r *os.File) bool { return false }
