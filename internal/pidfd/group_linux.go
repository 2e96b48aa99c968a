package pidfd

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// A Group is the process group that a process leads. It may outlive its leader.
//
// On Linux 6.9 and later it is named by a duplicate of the leader's pidfd, which
// refers to the group even after the leader was reaped. Elsewhere only its number
// names it, and no longer than the leader, which keeps the number from being
// given to another group.
type Group struct {
	fd    int  // -1 if there is none
	pid   int  // of the leader
	tells bool // if there was never a descriptor: whether /proc shows the group
}

// NewGroup returns the group that p leads, or nil if it leads none or os has reaped
// it. What [Started] has returned is taken to have been made a leader, also if it has joined
// another group since.
func NewGroup(p Process) *Group {
	g := &Group{fd: -1, pid: p.Pid}
	if !p.started && g.LeaderLeft() {
		return nil
	}
	if p.reapedWithoutPidfd() {
		return nil // the number may be another leader's
	}
	err := p.OS.WithHandle(func(handle uintptr) {
		if !groupSignalsWork() {
			return
		}
		// If descriptors have run out the number has to do.
		if fd, err := unix.FcntlInt(handle, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			g.fd = fd
		}
	})
	if err == os.ErrProcessDone {
		return nil
	}
	if g.fd < 0 {
		g.tells = procfs.Ours()
	}
	return g
}

// Signal sends sig to all processes of the group. The caller says whether the number of the
// leader is pinned, since nobody has reaped it, and makes sure that it stays so while Signal runs.
// The error is [os.ErrProcessDone] if the group is empty, or if it can't be named any longer.
func (g *Group) Signal(sig os.Signal, pinned bool) error {
	s, ok := sig.(unix.Signal)
	if !ok {
		return errors.New("unsupported signal type") // as os says
	}
	var err error
	switch {
	case g.fd >= 0:
		err = unix.PidfdSendSignal(g.fd, s, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
	case pinned:
		err = unix.Kill(-g.pid, s)
	default:
		return os.ErrProcessDone
	}
	if err == unix.ESRCH {
		return os.ErrProcessDone
	}
	return err
}

// LeaderLeft reports whether the leader, whose number is pinned, has joined another group.
func (g *Group) LeaderLeft() bool {
	group, err := unix.Getpgid(g.pid)
	return err != nil || group != g.pid
}

// ByPID reports whether the group is named by its number alone.
func (g *Group) ByPID() bool { return g.fd < 0 }

// CanTellAlive reports whether [Group.Alive] can tell of a group that is named by its number.
func (g *Group) CanTellAlive() bool { return g.tells }

// Alive reports whether any process of the group has not ended, if [Group.Signal] still finds
// one. Zombies take signals, too, and one whose parent is gone is for the init process to reap,
// which may take its time or, in a container, never do so. They are told from others by
// looking through /proc, which can take milliseconds: no lock must be held. Where /proc does not
// show the group it is taken to be alive.
func (g *Group) Alive() bool { return groupAlive(g.pid) }

// Close lets go of the descriptor of g, which may be nil. Only the number is left
// to Signal.
func (g *Group) Close() {
	if g != nil && g.fd >= 0 {
		unix.Close(g.fd)
		g.fd = -1
	}
}

// groupSignalsWork reports whether a pidfd can send signals to a group. A kernel
// that cannot says so before it looks whether there is a group.
func groupSignalsWork() bool {
	works, _ := groupSignals.ask()
	return works
}

var groupSignals = probe{f: func() (bool, error) {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	err = unix.PidfdSendSignal(fd, 0, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
	if err == nil || err == unix.ESRCH {
		return true, nil
	}
	return false, err
}}
