package execx

import (
	"cmp"
	"errors"
	"os"
	"time"

	"go.execx.dev/internal/pidfd"
)

// pollLocked reports whether the result is known, and if so, what it is, after reaping the
// process if it has ended unnoticed. To Cancel, the exit status is the result. c's ProcessState is
// set then.
func (p *child) pollLocked(c *Cmd) (known bool, err error) {
	p.delay = c.WaitDelay // which may be set between Start and Wait
	if p.phase <= watched {
		if err := p.checkLocked(c); err != nil {
			return true, err
		}
	}
	switch {
	case p.knownLocked():
		p.setProcessStateLocked(c)
		return true, p.err
	case p.phase >= reaping && p.calledByCancelLocked(c):
		p.setProcessStateLocked(c)
		return true, p.exitErr
	}
	return false, nil
}

// checkLocked collects the exit status if Wait would at once, or if c.Cmd.Wait has done so before. The
// error is that of a process which the program has released,
// and can't wait for any more.
func (p *child) checkLocked(c *Cmd) error {
	if state := c.ProcessState; state != nil {
		p.unwatchLocked()
		p.setExitedLocked(state, exitError(state))
		return nil
	}
	switch waitable, err := p.process.Waitable(p.returnsStopsLocked()); {
	case waitable && p.pinnedLocked(p.calledByCancelLocked(c)): // though it has ended
		p.startTimerLocked()
	case waitable:
		p.collectLocked()
	case err == nil:
	case !p.process.Released():
		p.blockLocked()
	case p.phase == watched: // whoever waits began before that
		p.reopenLocked()
	default:
		_, err := p.process.Wait(p.started)
		return err
	}
	return nil
}

// returnsStopsLocked reports whether the result is what os/exec's Wait returns to a tracer,
// the first stop of the process for instance.
func (p *child) returnsStopsLocked() bool { return p.traced && p.custody != closed }

// watchLocked has exited called when there is something to reap, or if only a Cmd is kept,
// when the process ends.
func (p *child) watchLocked() {
	if p.phase != unwatched {
		return
	}
	after := p.process.AfterExit
	if p.returnsStopsLocked() && p.mayReapLocked() {
		after = p.process.AfterStateChange
	}
	alarm, err := after(p.onExit)
	switch {
	case err == nil:
		p.phase, p.alarm = watched, alarm
	case p.process.Released():
		p.reopenLocked()
	case !p.mayReapLocked():
		// To see the end is not worth a thread.
	case errors.Is(err, os.ErrProcessDone):
		p.collectLocked()
	default:
		// No pidfds here, or no room for one more watch: a thread is the
		// price of not losing the child.
		p.blockLocked()
	}
}

// rewatchLocked is watch after a change of what is to be watched for.
func (p *child) rewatchLocked() {
	p.unwatchLocked()
	if p.mayReapLocked() || p.keep != nil {
		p.watchLocked()
	}
}

// unwatchLocked ends the watch.
func (p *child) unwatchLocked() {
	if p.phase == watched {
		p.alarm.Stop()
		p.phase, p.alarm = unwatched, nil
	}
}

// onExit is called by internal/pidfd, and must not block. The watch is over then.
func (p *child) onExit() {
	p.mu.Lock()
	defer p.unlockAndStopLater()
	if p.phase != watched { // somebody saw it before
		return
	}
	p.phase, p.alarm = unwatched, nil
	p.exitSeenLocked()
}

// exitSeenLocked is called when the process has been seen to have ended, or to be out of reach.
func (p *child) exitSeenLocked() {
	switch {
	case p.process.Released():
		p.reopenLocked()
	case p.mayReapLocked():
		p.collectLocked()
	default:
		if p.waiting > 0 { // and it is only pinned
			p.startTimerLocked()
		}
		p.releaseCmdLocked()
	}
}

// reopenLocked goes on with a process that os, at the hands of the program, has let go of.
func (p *child) reopenLocked() {
	own, err := p.process.Reopen(p.started)
	p.unwatchLocked() // not before: on Windows it is the watch that keeps the number
	if err != nil {
		p.collectLocked() // with what os says of it
		return
	}
	p.process = own
	p.watchLocked()
}

// collectLocked collects the exit status of the process, which has ended.
func (p *child) collectLocked() {
	p.unwatchLocked()
	switch {
	case p.returnsStopsLocked(): // which may block, if somebody else takes a stop
		p.blockLocked()
	case p.execWait != nil:
		p.collectLaterLocked()
	default:
		state, err := p.reap(p.process)
		if state == nil && isStolen(err) && p.process.StatusLater() {
			p.collectLaterLocked()
			return
		}
		p.setExitedLocked(unlessStolen(p.process, state, err))
	}
}

// collectLaterLocked is end in a goroutine, for what takes a while.
func (p *child) collectLaterLocked() {
	p.phase = reaping
	p.notifyEarlyLocked()
	process := p.process
	go func() { p.settle(p.collect(process)) }()
}

// blockLocked has a goroutine wait for the process.
func (p *child) blockLocked() {
	stats.fallbackWaits.Add(1)
	p.unwatchLocked()
	p.phase = blocked
	process := p.process
	if p.traced { // there is no telling its end from its stops
		go func() { p.settle(p.collect(process)) }()
		return
	}
	go func() {
		if process.Block() != nil { // it is all the same
			p.settle(p.collect(process))
			return
		}
		p.mu.Lock()
		defer p.unlockAndStop()
		p.phase = unwatched
		p.exitSeenLocked()
	}()
}

// collect collects the exit status, and blocks until the process has ended, os/exec has done its
// copying, and the status has come of a process that was stolen.
func (p *child) collect(process pidfd.Process) (*os.ProcessState, error) {
	var state *os.ProcessState
	var err error
	if p.execWait != nil {
		state, err = p.execWait()
	}
	// os/exec only waits for its copying if the program has released the process.
	if p.execWait == nil || state == nil && process.OS != p.theirs.Load() {
		state, err = p.reap(process)
	}
	if state == nil && isStolen(err) {
		process.AwaitStatus(10 * time.Millisecond)
	}
	return unlessStolen(process, state, err)
}

// settle notes what collect has returned.
func (p *child) settle(state *os.ProcessState, err error) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.custody == closed && stopped(state) { // which is not what it was closed for
		p.phase = unwatched
		p.reopenLocked()
		return
	}
	p.setExitedLocked(state, err)
	if p.custody == dropped {
		p.forgetLocked()
	}
}

// reap collects the exit status of the process.
func (p *child) reap(process pidfd.Process) (*os.ProcessState, error) {
	state, err := process.Wait(p.started)
	if err == nil {
		err = exitError(state)
	}
	return state, err
}

func exitError(state *os.ProcessState) error {
	if state.Success() {
		return nil
	}
	return &ExitError{ProcessState: state}
}

// setExitedLocked notes the exit status.
func (p *child) setExitedLocked(state *os.ProcessState, err error) {
	p.phase = reaped
	p.state, p.exitErr = state, err
	p.releaseCmdLocked()
	stats.reaped.Add(1)
	p.recordReapedLocked()
	if len(p.pipes) > 0 {
		p.startTimerLocked()
	}
	p.releaseLocked()
	p.advanceLocked()
	p.notifyEarlyLocked()
	orphans.Remove(p) // last: DrainOrphans returns then
}

// advanceLocked fixes the result, if nothing that could change it is under way, and
// tells everybody who waits for it.
func (p *child) advanceLocked() {
	if p.phase != reaped || p.copying > 0 || p.cancel == canceling {
		return
	}
	p.phase = done
	p.closePipesLocked(pipe.atEnd)
	p.pipes = nil
	if !p.killsGroupLocked() {
		p.stopTimerLocked()
	}
	p.releaseLocked()
	if p.custody != closed {
		if p.cancel == killed && p.group == nil && p.exitErr == nil {
			p.cancelErr = nil // it was about to end by itself, and successfully
		}
		if exitErr, ok := p.exitErr.(*ExitError); ok && p.stderr != nil {
			exitErr.Stderr = p.stderr.Bytes()
		}
		if p.cancel == unended && p.exitErr != nil { // what is left is not to be hidden
			p.exitErr = errors.Join(p.cancelErr, p.exitErr)
		}
		p.err = cmp.Or(p.failure, p.exitErr, p.cancelErr, p.copyErr)
	}
	p.stderr = nil
	p.addStopLocked(p.unbind)
	p.unbind = nil
	p.notifyAllLocked()
}
