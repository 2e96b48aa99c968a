package execx

import (
	"errors"
	"os"
)

// settled reports whether the result is known, and if so, what it is, after reaping the
// process if it has ended unnoticed. To Cancel, the exit status is the result. c's ProcessState is
// set then. p.mu is held.
func (p *child) settled(c *Cmd) (known bool, err error) {
	p.delay = c.WaitDelay // which may be set between Start and Wait
	if p.phase <= watched {
		if err := p.check(c); err != nil {
			return true, err
		}
	}
	switch {
	case p.known():
		p.record(c)
		return true, p.err
	case p.phase >= reaping && p.calledByCancel(c):
		p.record(c)
		return true, p.exitErr
	}
	return false, nil
}

// check collects the exit status if Wait would at once, or if c.Cmd.Wait has done so before. The
// error is that of a process which the program has released,
// and can't wait for any more. p.mu is held.
func (p *child) check(c *Cmd) error {
	if state := c.ProcessState; state != nil {
		p.leaveAlone()
		p.collected(state, exitError(state))
		return nil
	}
	switch waitable, err := p.process.Waitable(p.returnsStops()); {
	case waitable && p.pinned(p.calledByCancel(c)): // though it has ended
		p.startTimer()
	case waitable:
		p.end()
	case err == nil:
	case !p.process.Released():
		p.block()
	case p.phase == watched: // whoever waits began before that
		p.reopen()
	default:
		_, err := p.process.Wait(p.started)
		return err
	}
	return nil
}

// returnsStops reports whether the result is what os/exec's Wait returns to a tracer,
// the first stop of the process for instance. p.mu is held.
func (p *child) returnsStops() bool { return p.traced && p.custody != closed }

// watch has exited called when there is something to reap, or if only a Cmd is kept,
// when the process ends. p.mu is held.
func (p *child) watch() {
	if p.phase != unwatched {
		return
	}
	after := p.process.AfterExit
	if p.returnsStops() && p.mayReap() {
		after = p.process.AfterNews
	}
	alarm, err := after(p.exited)
	switch {
	case err == nil:
		p.phase, p.alarm = watched, alarm
	case p.process.Released():
		p.reopen()
	case !p.mayReap():
		// To see the end is not worth a thread.
	case errors.Is(err, os.ErrProcessDone):
		p.end()
	default:
		// No pidfds here, or no room for one more watch: a thread is the
		// price of not losing the child.
		p.block()
	}
}

// rewatch is watch after a change of what is to be watched for. p.mu is held.
func (p *child) rewatch() {
	p.leaveAlone()
	if p.mayReap() || p.keep != nil {
		p.watch()
	}
}

// leaveAlone ends the watch. p.mu is held.
func (p *child) leaveAlone() {
	if p.phase == watched {
		p.alarm.Stop()
		p.phase, p.alarm = unwatched, nil
	}
}

// exited is called by internal/pidfd, and must not block. The watch is over then.
func (p *child) exited() {
	p.mu.Lock()
	defer p.unlockLater()
	if p.phase != watched { // somebody saw it before
		return
	}
	p.phase, p.alarm = unwatched, nil
	p.seen()
}

// seen is called when the process has been seen to have ended, or to be out of reach. p.mu is
// held.
func (p *child) seen() {
	switch {
	case p.process.Released():
		p.reopen()
	case p.mayReap():
		p.end()
	default:
		if p.waiting > 0 { // and it is only pinned
			p.startTimer()
		}
		p.letGo()
	}
}

// reopen goes on with a process that os, at the hands of the program, has let go of.
// p.mu is held.
func (p *child) reopen() {
	own, err := p.process.Reopen(p.started)
	p.leaveAlone() // not before: on Windows it is the watch that keeps the number
	if err != nil {
		p.end() // with what os says of it
		return
	}
	p.process = own
	p.watch()
}
