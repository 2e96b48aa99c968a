package creation

import (
	"slices"
	"sync"
	"time"
)

// A Command is a command that was started and reaped.
type Command struct {
	Pid            int
	Args           []string
	Started, Ended time.Time
	Stack          *Stack
}

// maxReaped is the number of reaped commands that are kept.
const maxReaped = 4096

var reaped struct {
	mu       sync.Mutex // guards everything below
	commands []Command  // a ring buffer
	next     int        // index of the oldest command, once the buffer is full
}

// AddReaped records a command.
func AddReaped(c Command) {
	reaped.mu.Lock()
	defer reaped.mu.Unlock()
	if len(reaped.commands) < maxReaped {
		reaped.commands = append(reaped.commands, c)
		return
	}
	reaped.commands[reaped.next] = c
	reaped.next = (reaped.next + 1) % maxReaped
}

// Reaped returns the last commands that were reaped, in no particular order.
func Reaped() []Command {
	reaped.mu.Lock()
	defer reaped.mu.Unlock()
	return slices.Clone(reaped.commands)
}
