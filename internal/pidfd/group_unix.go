//go:build unix && !linux

package pidfd

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Group is the process group that a process leads. It may outlive its leader, but it is
// identified by its process group ID, which can be reused once the leader is reaped.
type Group struct {
	pid int // of the leader
}

// NewGroup returns the group that p leads, or nil if p leads none. It must not have been reaped. A
// process returned by [Started] is assumed to lead a group, even if it has joined another one since.
func NewGroup(p Process) *Group {
	g := &Group{pid: p.Pid}
	// The PID of a released process is -1, and a group with that ID would be all processes, or init.
	if !p.started && (p.Pid <= 0 || g.LeaderLeft()) {
		return nil
	}
	return g
}

// Signal sends sig to all processes of the group. pinned reports whether the PID of the leader is
// pinned, because the leader has not been reaped. The error is [os.ErrProcessDone] if the group is
// empty or can no longer be identified.
func (g *Group) Signal(sig os.Signal, pinned bool) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.New("unsupported signal type") // the error of package os
	}
	if !pinned {
		return os.ErrProcessDone
	}
	err := syscall.Kill(-g.pid, s)
	// For a group that consists of zombies, Darwin returns EPERM, but for a single zombie it does
	// not.
	if err == syscall.ESRCH || err == syscall.EPERM && syscall.Kill(g.pid, 0) == nil {
		return os.ErrProcessDone
	}
	return err
}

// ByPID reports whether the group is identified by its process group ID alone.
func (g *Group) ByPID() bool { return true }

// Pidfds returns the number of pidfds that g has: 0 on this system.
func (g *Group) Pidfds() int { return 0 }

// LeaderLeft reports whether the leader, whose PID must be pinned, has joined another group.
func (g *Group) LeaderLeft() bool {
	group, err := unix.Getpgid(g.pid)
	return err == nil && group != g.pid
}

// CanTellAlive reports whether [Group.Alive] works. On this system, it does not.
func (g *Group) CanTellAlive() bool { return false }

// Alive reports whether the group, to which [Group.Signal] can still send, has a process that has
// not ended. On this system, it always returns true.
func (g *Group) Alive() bool { return true }

// ScanDelay returns how long a caller that polls [Group.Alive] should wait between two calls.
func ScanDelay() time.Duration { return 0 }

// Pause reports whether it has blocked the thread for d. On this system, it returns false at once.
func Pause(d time.Duration) bool { return false }

// Close does nothing.
func (g *Group) Close() {}
