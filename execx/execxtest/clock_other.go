//go:build !linux

package execxtest

import "time"

// clock returns the time since shortly before this process was started. It is never 0, which stands
// for a time that is not known: the clock of the system may not have ticked since then.
func clock() time.Duration { return time.Since(start) }

var start = time.Now().Add(-time.Second)
