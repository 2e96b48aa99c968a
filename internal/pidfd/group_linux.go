package pidfd

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// A Group is the process group that a process leads. It may outlive its leader.
//
// On Linux 6.9 and later, a Group holds a duplicate of the leader's pidfd, which refers to the
// group even after the leader is reaped. On older kernels, it has only the process group ID, which
// is valid until the leader is reaped: until then, the kernel can't reuse it for another group.
type Group struct {
	fd      int  // -1 if there is none
	pid     int  // of the leader
	canTell bool // without a descriptor: whether /proc shows the processes of the group
}

// NewGroup returns the group that p leads, or nil if p leads none or has been reaped through
// package os. A process returned by [Started] is assumed to lead a group, even if it has joined
// another one since.
func NewGroup(p Process) *Group {
	g := &Group{fd: -1, pid: p.Pid}
	if !p.started && g.LeaderLeft() {
		return nil
	}
	if p.reapedWithoutPidfd() {
		return nil // the PID may be that of another leader
	}
	err := p.OS.WithHandle(func(handle uintptr) {
		if !groupSignalsWork() {
			return
		}
		// Without a free descriptor, the process group ID has to do.
		if fd, err := unix.FcntlInt(handle, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			g.fd = fd
		}
	})
	if err == os.ErrProcessDone {
		return nil
	}
	if g.fd < 0 {
		g.canTell = procfs.Usable()
	}
	return g
}

// Signal sends sig to all processes of the group. pinned reports whether the PID of the leader is
// pinned, because the leader has not been reaped; the caller must keep it so while Signal runs. The
// error is [os.ErrProcessDone] if the group is empty or can no longer be identified.
func (g *Group) Signal(sig os.Signal, pinned bool) error {
	s, ok := sig.(unix.Signal)
	if !ok {
		return errors.New("unsupported signal type") // the error of package os
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

// LeaderLeft reports whether the leader, whose PID must be pinned, has joined another group.
func (g *Group) LeaderLeft() bool {
	group, err := unix.Getpgid(g.pid)
	return err != nil || group != g.pid
}

// ByPID reports whether the group is identified by its process group ID alone.
func (g *Group) ByPID() bool { return g.fd < 0 }

// CanTellAlive reports whether [Group.Alive] works for a group without a descriptor.
func (g *Group) CanTellAlive() bool { return g.canTell }

// Alive reports whether the group, to which [Group.Signal] can still send, has a process that has
// not ended. Zombies accept signals, too, and an orphaned zombie is reaped by the init process,
// which may take long and in some containers never happens. Alive finds out by scanning /proc,
// which can take milliseconds, so the caller must not hold a lock. If /proc does not show the
// group, Alive returns true.
func (g *Group) Alive() bool { return groupAlive(g.pid) }

// Close closes the descriptor of g, which may be nil. After that, Signal has only the process group
// ID.
func (g *Group) Close() {
	if g != nil && g.fd >= 0 {
		unix.Close(g.fd)
		g.fd = -1
	}
}

// groupSignalsWork reports whether a pidfd can send signals to a group. A kernel without that
// feature fails with EINVAL, whether or not there is a group.
func groupSignalsWork() bool {
	works, _ := groupSignals.get()
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
