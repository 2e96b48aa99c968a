package execxtest

import "time"

// SetPatience changes how long a child is given to end, until the function that it
// returns is called.
func SetPatience(d time.Duration) (restore func()) {
	before := exitTimeout
	exitTimeout = d
	return func() { exitTimeout = before }
}

// SetNotice changes how long a command gets, at least, before it is killed.
func SetNotice(d time.Duration) { minGracePeriod = d }

var TestOf = testOf
