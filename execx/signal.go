package execx

import (
	"os"

	"go.execx.dev/internal/pidfd"
)

// Signal sends sig to the process or, if c.ProcessGroup is set, to all processes of its group. It
// does not block. If there is a pidfd for the process, sig can't reach another process that reuses
// its PID.
//
// If the command was not started, Signal returns the error "exec: not started". Once the process,
// or with c.ProcessGroup its whole group, has ended, it returns [os.ErrProcessDone]. It also does
// if the rest of the group can't be signaled; see [Cmd.ProcessGroup]. On systems other than Linux
// and Windows, signaling a process that has ended but was not reaped succeeds without effect, as in
// os/exec.
func (c *Cmd) Signal(sig os.Signal) error {
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	return p.signal(sig)
}

// Kill causes the process, or with c.ProcessGroup its whole group, to exit immediately. It does not
// wait until they have exited. It is the same as [Cmd.Signal] with [os.Kill].
func (c *Cmd) Kill() error {
	return c.Signal(os.Kill)
}

// signal implements Signal. Unlike kill, it fails if the process has ended.
func (p *child) signal(sig os.Signal) error {
	if alive, _ := p.alive(true); !alive {
		return os.ErrProcessDone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sendLocked(sig)
}

// kill is the default Cancel. As in os/exec, it succeeds for a process that has ended but was not
// reaped.
func (p *child) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sendLocked(os.Kill)
}

// sendLocked sends sig to the process or its group. Since p.mu is held, this package does not reap
// the process meanwhile.
func (p *child) sendLocked(sig os.Signal) error {
	err := p.sendGroupLocked(sig)
	if err == os.ErrProcessDone || p.leftGroupLocked() {
		if oneErr := p.sendProcessLocked(sig); err == os.ErrProcessDone || err == nil && oneErr != os.ErrProcessDone {
			err = oneErr
		}
	}
	if sig == os.Kill && err == nil {
		stats.killed.Add(1)
	}
	return err
}

// sendGroupLocked sends sig to the group, if there is one.
func (p *child) sendGroupLocked(sig os.Signal) error {
	if p.group == nil {
		return os.ErrProcessDone
	}
	// Another part of the program may have reaped the leader.
	pinned := p.phase < reaping && (!p.group.ByPID() || p.process.Pinned(p.started))
	return p.group.Signal(sig, pinned)
}

// leftGroupLocked reports whether the process has left the group that it led.
func (p *child) leftGroupLocked() bool {
	return p.group != nil && p.phase < reaping && p.group.LeaderLeft()
}

// sendProcessLocked sends sig to the process only.
func (p *child) sendProcessLocked(sig os.Signal) error {
	if p.phase >= reaping || p.process.Pidfds() == 0 && !p.process.Pinned(p.started) {
		return os.ErrProcessDone
	}
	return p.process.Signal(sig)
}

// alive reports whether the process or any process of its group is alive, as far as can be told. If
// look is set, or if the group is named by its ID, it scans /proc to tell the zombies of the group
// from others, which can take milliseconds. The error says why the rest of the group can't be
// signaled.
func (p *child) alive(look bool) (alive bool, err error) {
	p.mu.Lock()
	one := !p.exitedLocked()
	if one && p.process.Pidfds() == 0 { // another part of the program may have reaped it
		one = p.sendProcessLocked(pidfd.Null) != os.ErrProcessDone
	}
	group := p.group
	if !one {
		err = p.sendGroupLocked(pidfd.Null)
		look = look || err != os.ErrProcessDone && group.ByPID()
	}
	p.mu.Unlock()
	switch {
	case one:
		return true, nil
	case err == os.ErrProcessDone || look && !group.Alive():
		return false, nil
	default:
		return true, err
	}
}
