// Package creation records where commands were created, for those who ask.
package creation

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
)

// Recording says whether stacks are to be recorded.
var Recording atomic.Bool

// A Stack is the calls that were under way at some time. A nil one was not recorded.
type Stack struct {
	calls []uintptr // the innermost first
}

// Callers returns the stack of the calling goroutine without its innermost skip
// calls, of which Callers is not one.
func Callers(skip int) *Stack {
	const most = 64
	calls := make([]uintptr, most)
	const itself = 2 // and runtime.Callers
	return &Stack{calls[:runtime.Callers(itself+skip, calls)]}
}

// String returns the stack in the form of [runtime/debug.Stack].
func (s *Stack) String() string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(s.calls)
	for {
		frame, more := frames.Next()
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", frame.Function, frame.File, frame.Line)
		if !more {
			return b.String()
		}
	}
}
