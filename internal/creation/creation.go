// Package creation records where commands are created, and which commands were reaped.
package creation

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
)

// Recording enables the recording of stacks.
var Recording atomic.Bool

// A Stack is the call stack of a goroutine. A nil Stack was not recorded.
type Stack struct {
	calls []uintptr // innermost first
}

// Callers returns the stack of the calling goroutine, without Callers itself and without the skip
// innermost calls.
func Callers(skip int) *Stack {
	const most = 64
	calls := make([]uintptr, most)
	const itself = 2 // Callers and runtime.Callers
	return &Stack{calls[:runtime.Callers(itself+skip, calls)]}
}

// String returns the stack in the format of [runtime/debug.Stack].
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
