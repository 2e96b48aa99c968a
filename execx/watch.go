package execx

import (
	"cmp"
	"errors"
	"os"
	"time"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/realtime"
)

// pollLocked returns the result if it is known, after reaping the process if it has ended, and sets
// c.ProcessState. For a caller that Cancel has called, the exit status is the result.
func (p *child) pollLocked(c *Cmd) (known bool, err error) {
	if p.cancel != canceling { // Cancel may set it, and then interrupted reads it
		p.delay = c.WaitDelay // may be set between Start and Wait
	}
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

// checkLocked gets the exit status if Wait would not block for it, or if c.Cmd.Wait has got it. It
// returns an error if the program has released the process, which can't be waited for any more.
func (p *child) checkLocked(c *Cmd) error {
	if state := c.ProcessState; state != nil {
		p.unwatchLocked()
		p.setExitedLocked(state, exitError(state))
		return nil
	}
	switch waitable, err := p.process.Waitable(p.returnsStopsLocked()); {
	case waitable && p.pinnedLocked(p.calledByCancelLocked(c)):
		p.startTimerLocked()
	case waitable:
		p.collectLocked()
	case err == nil:
	case !p.process.Released():
		p.blockLocked()
	case p.phase == watched: // it was released after a wait had begun
		p.reopenLocked()
	default:
		_, err := p.process.Wait(p.started)
		return err
	}
	return nil
}

// returnsStopsLocked reports whether the result may be a stop of the process, as os/exec's Wait
// returns to a tracer.
func (p *child) returnsStopsLocked() bool { return p.traced && p.custody != closed }

// watchLocked arranges for onExit to be called when the process can be reaped or, if nothing but
// the Cmd is kept for it, when it has ended.
func (p *child) watchLocked() {
	if p.phase != unwatched {
		return
	}
	if realtime.InBubble() {
		if p.mayReapLocked() {
			p.blockLocked()
		}
		return
	}
	after := p.process.AfterExit
	if p.returnsStopsLocked() && p.mayReapLocked() {
		after = p.process.AfterStateChange
	}
	watch, err := after(p.onExit)
	switch {
	case err == nil:
		p.phase, p.watch = watched, watch
	case p.process.Released():
		p.reopenLocked()
	case !p.mayReapLocked():
		// Only the end is of interest, which is not worth a thread.
	case errors.Is(err, os.ErrProcessDone):
		p.collectLocked()
	default:
		// There are no pidfds, or there is no room for one more watch. A blocked thread is better
		// than a lost child.
		p.blockLocked()
	}
}

// rewatchLocked watches the process again after a change of what it must be watched for.
func (p *child) rewatchLocked() {
	p.unwatchLocked()
	if p.mayReapLocked() || p.keptCmd != nil {
		p.watchLocked()
	}
}

// unwatchLocked ends the watch, if there is one.
func (p *child) unwatchLocked() {
	if p.phase == watched {
		p.watch.Stop()
		p.phase, p.watch = unwatched, nil
	}
}

// onExit is called by internal/pidfd, which has ended the watch, and must not block.
func (p *child) onExit() {
	p.mu.Lock()
	defer p.unlockAndStopLater()
	if p.phase != watched { // the watch was stopped at the same time
		return
	}
	p.phase, p.watch = unwatched, nil
	p.exitSeenLocked()
}

// exitSeenLocked is called when the process has ended, or can't be watched any more.
func (p *child) exitSeenLocked() {
	switch {
	case p.process.Released():
		p.reopenLocked()
	case p.mayReapLocked():
		p.collectLocked()
	default:
		if p.waiting > 0 { // it is pinned
			p.startTimerLocked()
		}
		p.releaseCmdLocked()
	}
}

// reopenLocked continues to watch a process that the program has released.
func (p *child) reopenLocked() {
	own, err := p.process.Reopen(p.started)
	p.unwatchLocked() // only now, since on Windows the watch keeps the PID from being reused
	if err != nil {
		p.collectLocked() // which gets the error of package os
		return
	}
	p.process = own
	p.watchLocked()
}

// collectLocked reaps the process, which has ended.
func (p *child) collectLocked() {
	p.unwatchLocked()
	switch {
	case p.returnsStopsLocked(): // reaping may block if another wait has consumed the stop
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

// collectLaterLocked reaps the process in a new goroutine, since that may block for a short while.
func (p *child) collectLaterLocked() {
	p.phase = reaping
	p.notifyEarlyLocked()
	process := p.process
	go func() { p.finishCollect(p.collect(process)) }()
}

// blockLocked starts a goroutine that blocks until the process has ended.
func (p *child) blockLocked() {
	stats.fallbackWaits.Add(1)
	p.unwatchLocked()
	p.phase = blocked
	process := p.process
	if p.traced { // its end can't be told from its stops without reaping it
		go func() { p.finishCollect(p.collect(process)) }()
		return
	}
	go func() {
		if process.Block() != nil { // unsupported: only reaping it tells the end
			p.finishCollect(p.collect(process))
			return
		}
		p.mu.Lock()
		defer p.unlockAndStop()
		p.phase = unwatched
		p.exitSeenLocked()
	}()
}

// collect reaps the process and returns its state. It blocks until the process has ended and
// os/exec has done its copying, and for a short while if another part of the program has reaped the
// process and the kernel does not tell its exit status yet.
func (p *child) collect(process pidfd.Process) (*os.ProcessState, error) {
	var state *os.ProcessState
	var err error
	if p.execWait != nil {
		state, err = p.execWait()
	}
	// If the program has released the process, os/exec has only waited for its copying.
	if p.execWait == nil || state == nil && process.OS != p.cmdProcess.Load() {
		state, err = p.reap(process)
	}
	if state == nil && isStolen(err) {
		process.AwaitStatus(10 * time.Millisecond)
	}
	return unlessStolen(process, state, err)
}

// finishCollect is called with what collect has returned.
func (p *child) finishCollect(state *os.ProcessState, err error) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.custody == closed && stopped(state) { // it still has to be reaped when it ends
		p.phase = unwatched
		p.reopenLocked()
		return
	}
	p.setExitedLocked(state, err)
	if p.custody == dropped {
		p.forgetLocked()
	}
}

// reap reaps the process.
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

// setExitedLocked sets the state of the process, which was reaped.
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
	orphans.Remove(p) // last, because DrainOrphans may return then
}

// advanceLocked sets the result and notifies the waiters, unless copying or Cancel may still change
// the result.
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
			p.cancelErr = nil // it has ended successfully before the signal reached it
		}
		if exitErr, ok := p.exitErr.(*ExitError); ok && p.stderr != nil {
			exitErr.Stderr = p.stderr.Bytes()
		}
		if p.cancel == leftAlive && p.exitErr != nil { // report both
			p.exitErr = errors.Join(p.cancelErr, p.exitErr)
		}
		p.err = cmp.Or(p.failure, p.exitErr, p.cancelErr, p.copyErr)
	}
	p.stderr = nil
	p.addStopLocked(p.unregister)
	p.unregister = nil
	p.notifyAllLocked()
}
