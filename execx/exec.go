package execx

import "os/exec"

// Everything that os/exec exports besides [Cmd], under the same names. The types are aliases, so
// errors.As finds an *[exec.ExitError] or *[exec.Error] no matter which of the two packages has
// created it.
type (
	// Error is [exec.Error].
	Error = exec.Error
	// ExitError is [exec.ExitError].
	ExitError = exec.ExitError
)

var (
	// ErrDot is [exec.ErrDot].
	ErrDot = exec.ErrDot
	// ErrNotFound is [exec.ErrNotFound].
	ErrNotFound = exec.ErrNotFound
	// ErrWaitDelay is [exec.ErrWaitDelay].
	ErrWaitDelay = exec.ErrWaitDelay
)

// LookPath is [exec.LookPath].
func LookPath(file string) (string, error) {
	return exec.LookPath(file)
}
