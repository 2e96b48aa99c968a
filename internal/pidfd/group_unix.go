//go:build unix && !linux

package pidfd

import (
	"errors"
	"os"
	"syscall"
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

// Signal sends sig to all processes of the group. The caller says whether the leader was
// reaped, and makes sure that it is not while Signal runs. The error is
// [os.ErrProcessDone] if the group is empty, or if it can't be named any longer.
func (g *Group) Signal(sig os.Signal, reaped bool) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("unsupported signal type") // as os says
	}
	if reaped {
		return os.ErrProcessDone
	}
	err := syscall.Kill(-g.pid, s)
	if err == syscall.ESRCH {
		return os.ErrProcessDone
	}
	return err
}

// ByNumber reports whether the group is named by its number alone.
func (g *Group) ByNumber() bool { return true }

// Pidfds returns how many pidfds g has. Here there are none.
func (g *Group) Pidfds() int { return 0 }

// Alive reports whether the group has any process, as far as Signal can tell.
func (g *Group) Alive(reaped bool) bool {
	err := g.Signal(syscall.Signal(0), reaped)
	return err == nil || err == syscall.EPERM
}

// Close does nothing: a number is not a resource.
func (g *Group) Close() {}
