//go:build unix || plan9

package realtime

import (
	"syscall"
	"time"
)

// clock returns the time of the system.
func clock() (now time.Time, ok bool) {
	var value syscall.Timeval
	err := syscall.Gettimeofday(&value)
	return time.Unix(value.Unix()), err == nil
}
