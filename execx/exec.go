package execx

import "os/exec"

// What os/exec exports beside [Cmd], under the same names. The types are
// aliases, so that errors.As finds an *[exec.ExitError] or an *[exec.Error]
// whichever of the two packages made it.
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
