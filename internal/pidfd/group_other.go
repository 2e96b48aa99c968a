//go:build !unix && !windows

package pidfd

import (
	"errors"
	"os"
	"time"
)

// A Group is the process group that a process leads. There are no groups on this system.
type Group struct{}

// NewGroup returns the group that p leads. On this system, it returns nil.
func NewGroup(p Process) *Group { return nil }

// Signal sends sig to all processes of the group. On this system, it always fails.
func (g *Group) Signal(sig os.Signal, pinned bool) error { return errors.ErrUnsupported }

// ByPID reports whether the group is identified by its process group ID alone.
func (g *Group) ByPID() bool { return true }

// Pidfds returns the number of pidfds that g has: 0 on this system.
func (g *Group) Pidfds() int { return 0 }

// LeaderLeft reports whether the leader has joined another group.
func (g *Group) LeaderLeft() bool { return false }

// CanTellAlive reports whether [Group.Alive] works.
func (g *Group) CanTellAlive() bool { return false }

// Alive reports whether any process of the group has not ended.
func (g *Group) Alive() bool { return false }

// ScanDelay returns how long a caller that polls [Group.Alive] should wait between two calls.
func ScanDelay() time.Duration { return 0 }

// Pause reports whether it has blocked the thread for d. On this system, it returns false at once.
func Pause(d time.Duration) bool { return false }

// Close does nothing.
func (g *Group) Close() {}
