//go:build !linux

package execxtest

import "time"

// clock returns the time since shortly before this process was started. It never returns 0, which
// stands for an unknown time, even if the system clock has not ticked since then.
func clock() time.Duration { return time.Since(start) }

var start = time.Now().Add(-time.Second)
