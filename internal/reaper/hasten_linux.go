package reaper

import "time"

// Hasten divides all periods and intervals by the given factor, for the tests of other packages.
func Hasten(times int) {
	for _, d := range []*time.Duration{&grace, &graceByPID, &scanInterval, &idleInterval} {
		*d /= time.Duration(times)
	}
}
