//go:build !unix && !windows

package execx

import (
	"errors"
	"os"
	"sync/atomic"
)

// wake returns false: a blocked read can't be woken.
func wake(r *os.File, reading *atomic.Int32) bool { return false }

// setNonblock does nothing.
func setNonblock(r *os.File) {}

// readBuffered is not called, since wake returns false.
func readBuffered(r *os.File, b []byte) (n int, err error) { return 0, errors.ErrUnsupported }

// hungUp returns false: this can't be told without a read that may block.
func hungUp(r *os.File) bool { return false }
