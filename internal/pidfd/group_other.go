//go:build !unix && !windows

package pidfd

import (
	"errors"
	"os"
	"time"
)

// A Group is the process group that a process leads. Here there are none.
type Group struct{}

// NewGroup returns the group that p leads. Here it leads none.
func NewGroup(p Process) *Group { return nil }

// Signal sends sig to all processes of the group. Here it always fails.
func (g *Group) Signal(sig os.Signal, pinned bool) error { return errors.ErrUnsupported }

// ByPID reports whether the group is named by its number alone.
func (g *Group) ByPID() bool { return true }

// Pidfds returns how many pidfds g has. Here there are none.
func (g *Group) Pidfds() int { return 0 }

// LeaderLeft reports whether the leader has joined another group.
func (g *Group) LeaderLeft() bool { return false }

// CanTellAlive reports whether [Group.Alive] can tell.
func (g *Group) CanTellAlive() bool { return false }

// Alive reports whether any process of the group has not ended.
func (g *Group) Alive() bool { return false }

// ScanDelay returns how long a caller of [Group.Alive] is to wait who asks repeatedly.
func ScanDelay() time.Duration { return 0 }

// Pause reports whether it has blocked a thread for d. Here it has not.
func Pause(d time.Duration) bool { return false }

// Close does nothing.
func (g *Group) Close() {}
