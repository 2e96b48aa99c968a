// Package creation records where commands were created, for those who ask.
package creation

import (
	"runtime/debug"
	"sync/atomic"
)

// recording counts those who have asked.
var recording atomic.Int32

// Record has stacks recorded from now on, until stop is called.
func Record() (stop func()) {
	recording.Add(1)
	var stopped atomic.Bool
	return func() {
		if !stopped.Swap(true) {
			recording.Add(-1)
		}
	}
}

// Stack returns the stack of the calling goroutine, or "" if nobody has asked.
func Stack() string {
	if recording.Load() == 0 {
		return ""
	}
	return string(debug.Stack())
}
