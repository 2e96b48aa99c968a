// Package realtime tells the time of the system, also in a bubble of testing/synctest, where
// package time tells a fake one. Processes run in real time.
package realtime

import (
	"flag"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// InBubble reports whether the caller runs in a bubble.
func InBubble() bool {
	_, is := bubbled()
	return is
}

// Now is like [time.Now], but in real time.
func Now() time.Time {
	if now, is := bubbled(); is {
		return now
	}
	return time.Now()
}

// Since is like [time.Since], for a time returned by Now.
func Since(t time.Time) time.Duration { return Now().Sub(t) }

// bubbled reports whether the caller runs in a bubble, and the real time if it does. The clock of a
// bubble starts in the year 2000.
func bubbled() (now time.Time, is bool) {
	if !inTest() {
		return time.Time{}, false
	}
	now, ok := clock()
	return now, ok && time.Until(now).Abs() > time.Hour
}

// inTest reports whether this program is a test, and so may have bubbles.
var inTest = sync.OnceValue(func() bool {
	if flag.Lookup("test.v") != nil {
		return true
	}
	info, ok := debug.ReadBuildInfo() // flags are not registered yet while packages are initialized
	return ok && strings.HasSuffix(info.Path, ".test")
})
