//go:build unix && !linux

package pidfd

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Group is the process group that a process leads. It may outlive its leader,
// but is named by its number, which only the leader keeps from being given to
// another group.
type Group struct {
	pid int // of the leader
}

// NewGroup returns the group that p, which has not been reaped, leads.
func NewGroup(p Process) *Group {
	return &Group{pid: p.Pid}
}

// Signal sends sig to all processes of the group. The caller says whether the number of the
// leader is pinned, since nobody has reaped it. The error is [os.ErrProcessDone] if the group is
// empty, or if it can't be named any longer.
func (g *Group) Signal(sig os.Signal, pinned bool) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("unsupported signal type") // as os says
	}
	if !pinned {
		return os.ErrProcessDone
	}
	err := syscall.Kill(-g.pid, s)
	// Of a group of zombies, Darwin says that it may not be sent signals, but not of a zombie.
	if err == syscall.ESRCH || err == syscall.EPERM && syscall.Kill(g.pid, 0) == nil {
		return os.ErrProcessDone
	}
	return err
}

// ByPID reports whether the group is named by its number alone.
func (g *Group) ByPID() bool { return true }

// Pidfds returns how many pidfds g has. Here there are none.
func (g *Group) Pidfds() int { return 0 }

// LeaderLeft reports whether the leader, whose number is pinned, has joined another group.
func (g *Group) LeaderLeft() bool {
	group, err := unix.Getpgid(g.pid)
	return err == nil && group != g.pid
}

// CanTellAlive reports whether [Group.Alive] can tell. Here it can't.
func (g *Group) CanTellAlive() bool { return false }

// Alive reports whether any process of the group has not ended, if [Group.Signal] still finds
// one. Here it is taken to be so.
func (g *Group) Alive() bool { return true }

// ScanDelay returns how long a caller of [Group.Alive] is to wait who asks repeatedly.
func ScanDelay() time.Duration { return 0 }

// Pause reports whether it has blocked a thread for d. Here it has not.
func Pause(d time.Duration) bool { return false }

// Close does nothing: a number is not a resource.
func (g *Group) Close() {}
