package execxtest

import "time"

// SetExitTimeout changes how long children are given to end, until restore is called.
func SetExitTimeout(d time.Duration) (restore func()) {
	before := exitTimeout
	exitTimeout = d
	return func() { exitTimeout = before }
}

// SetDrainTimeout changes how long orphans that have ended are waited for, until restore is called.
func SetDrainTimeout(d time.Duration) (restore func()) {
	before := drainTimeout
	drainTimeout = d
	return func() { drainTimeout = before }
}

// SetMinGracePeriod changes the minimum time that a command has between the end of its context and
// SIGKILL.
func SetMinGracePeriod(d time.Duration) { minGracePeriod = d }

var TestOf = testOf
