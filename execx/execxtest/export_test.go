package execxtest

import "time"

// SetPatience changes how long children are given to end, until restore is called.
func SetPatience(d time.Duration) (restore func()) {
	before := exitTimeout
	exitTimeout = d
	return func() { exitTimeout = before }
}

// SetNotice changes the minimum time that a command has between the end of its context and SIGKILL.
func SetNotice(d time.Duration) { minGracePeriod = d }

var TestOf = testOf
