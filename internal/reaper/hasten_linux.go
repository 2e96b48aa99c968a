package reaper

import "time"

// Hasten makes all periods and intervals so many times shorter. It is for the tests of other
// packages.
func Hasten(times int) {
	for _, d := range []*time.Duration{&grace, &graceByPID, &scanInterval, &idleInterval} {
		*d /= time.Duration(times)
	}
}
