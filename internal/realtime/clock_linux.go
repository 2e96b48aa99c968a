package realtime

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock returns the time of the system.
func clock() (now time.Time, ok bool) {
	var spec unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_REALTIME, &spec)
	return time.Unix(spec.Unix()), err == nil
}
