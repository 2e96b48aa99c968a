package creation

import (
	"slices"
	"sync"
	"time"
)

// A Command is one that was started and reaped.
type Command struct {
	Pid            int
	Args           []string
	Started, Ended time.Time
	Stack          *Stack
}

// kept is how many of the commands that were reaped last are remembered.
const maxReaped = 4096

var reaped struct {
	mu       sync.Mutex // guards everything below
	commands []Command  // a ring
	next     int        // where the oldest is, once the ring is full
}

// AddReaped remembers a command for [Reaped].
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

// Reaped returns the commands that are remembered, in no order.
func Reaped() []Command {
	reaped.mu.Lock()
	defer reaped.mu.Unlock()
	return slices.Clone(reaped.commands)
}
