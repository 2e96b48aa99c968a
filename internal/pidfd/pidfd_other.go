//go:build !linux

package pidfd

import (
	"errors"
	"os"
	"time"
)

// Supported reports whether os gives a pidfd to every process that it starts.
func Supported() bool { return false }

// Exited reports whether p has ended, reaped or not, without blocking and
// without reaping it. Here it always fails.
func (p Process) Exited() (bool, error) { return false, errors.ErrUnsupported }

// Waitable reports whether p.Wait would return at once. Here it always fails.
func (p Process) Waitable() (bool, error) { return false, errors.ErrUnsupported }

// Released reports whether the program has called [os.Process.Release], which
// cannot be told here.
func (p Process) Released() bool { return false }

// Reopen returns p with an os.Process of its own.
func (p Process) Reopen() (Process, error) {
	own, err := os.FindProcess(p.Pid)
	return Process{OS: own, Pid: p.Pid}, err
}

// Unreaped reports whether p is a child that nobody has reaped. Here it is taken to
// be so.
func (p Process) Unreaped(started time.Time) (bool, error) { return true, nil }

// Wait is [os.Process.Wait].
func (p Process) Wait() (*os.ProcessState, error) { return p.OS.Wait() }

// Linger blocks the calling thread until p has ended, but for at most d. Here it
// returns at once.
func (p Process) Linger(d time.Duration) {}

// AfterExit arranges for f to be called once p has ended. Here it always
// fails, and f is never called.
func (p Process) AfterExit(f func()) (stop func(), err error) {
	return nil, errors.ErrUnsupported
}
