package realtime

import (
	"time"

	"golang.org/x/sys/windows"
)

// clock returns the time of the system.
func clock() (now time.Time, ok bool) {
	var file windows.Filetime
	windows.GetSystemTimePreciseAsFileTime(&file)
	return time.Unix(0, file.Nanoseconds()), true
}
