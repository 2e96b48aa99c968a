//go:build !unix

package pidfd

import (
	"errors"
	"os"
)

// A Group is the process group that a process leads. Here there are none.
type Group struct{}

// NewGroup returns the group that p leads. Here it leads none.
func NewGroup(p Process) *Group { return nil }

// Signal sends sig to all processes of the group. Here it always fails.
func (g *Group) Signal(sig os.Signal, reaped bool) error { return errors.ErrUnsupported }

// ByNumber reports whether the group is named by its number alone.
func (g *Group) ByNumber() bool { return true }

// Pidfds returns how many pidfds g has. Here there are none.
func (g *Group) Pidfds() int { return 0 }

// Alive reports whether the group has any process.
func (g *Group) Alive(reaped bool) bool { return false }

// Close does nothing.
func (g *Group) Close() {}
