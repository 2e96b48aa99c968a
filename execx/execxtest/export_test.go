package execxtest

import "time"

// SetPatience changes how long children are given to end, until restore is called.
func SetPatience(d time.Duration) (restore func()) {
	before := patience
	patience = d
	return func() { patience = before }
}
