//go:build !linux

package pidfd

import (
	"errors"
	"os"
	"time"
)

// Exited reports whether p has ended, reaped or not, without blocking and
// without reaping it. Here it always fails.
func Exited(p *os.Process) (bool, error) {
	return false, errors.ErrUnsupported
}

// Supported reports whether os gives a pidfd to every process that it starts.
func Supported() bool { return false }

// Wait is p.Wait.
func Wait(p *os.Process) (*os.ProcessState, error) { return p.Wait() }

// Linger blocks the calling thread until p has ended, but for at most d. Here it
// returns at once.
func Linger(p *os.Process, d time.Duration) {}

// AfterExit arranges for f to be called once p has ended. Here it always
// fails, and f is never called.
func AfterExit(p *os.Process, f func()) (stop func(), err error) {
	return nil, errors.ErrUnsupported
}
