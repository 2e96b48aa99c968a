package execx

import (
	"os"

	"go.execx.dev/internal/pidfd"
)

// Signal sends sig to the process, through its pidfd where there are pidfds,
// so that it can never reach another process that was given the same number.
// It does not wait.
//
// It fails with "exec: not started" before Start and with
// [os.ErrProcessDone] once the process has ended. On systems other than Linux and Windows, a
// process that has ended but was not yet reaped takes the signal, to no effect, as
// under os/exec.
//
// If c.ProcessGroup is set, sig goes to all processes of the group. See there.
func (c *Cmd) Signal(sig os.Signal) error {
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	return p.signal(sig)
}

// Kill is [Cmd.Signal] with [os.Kill]: it makes the process exit at once, does
// not wait until it has, and fails as Signal does.
func (c *Cmd) Kill() error {
	return c.Signal(os.Kill)
}

// signal is Signal: unlike kill, it fails if the process is known to have ended.
func (p *child) signal(sig os.Signal) error {
	if alive, _ := p.alive(true); !alive {
		return os.ErrProcessDone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sendLocked(sig)
}

// kill is what Cancel does by default. As under os/exec, a process that has ended
// but was not reaped can be killed.
func (p *child) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sendLocked(os.Kill)
}

// sendLocked sends sig to the process or its group. p.mu is held, and so p is not reaped
// meanwhile, unless somebody else does that.
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
	// Somebody else may have reaped it.
	pinned := p.phase < reaping && (!p.group.ByPID() || p.process.Pinned(p.started))
	return p.group.Signal(sig, pinned)
}

// leftGroupLocked reports whether the process has joined another group than the one that it led.
func (p *child) leftGroupLocked() bool {
	return p.group != nil && p.phase < reaping && p.group.LeaderLeft()
}

// sendProcessLocked sends sig to the process alone.
func (p *child) sendProcessLocked(sig os.Signal) error {
	if p.phase >= reaping || p.process.Pidfds() == 0 && !p.process.Pinned(p.started) {
		return os.ErrProcessDone
	}
	return p.process.Signal(sig)
}

// alive reports whether the process, or anything of its group, has not ended as far as can be
// told. Zombies of a group are told from others if look is set, or if the group is named by its
// number, as its leader is a zombie then, too: that can take milliseconds. The
// error says why no signal can be sent to what is left of a group.
func (p *child) alive(look bool) (alive bool, err error) {
	p.mu.Lock()
	one := !p.exitedLocked()
	if one && p.process.Pidfds() == 0 { // somebody else may have reaped it
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
