package execx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"weak"

	"go.execx.dev/internal/pidfd"
)

// interruption is the part of a child that cuts it short: its context, Cancel and
// WaitDelay. It is guarded by the mutex of the child.
type interruption struct {
	unbind    func() bool // ends the hold that the context has on the child, or nil
	canceler  uint64      // the goroutine that calls Cancel, if canceling
	cancelErr error       // what the end of the context amounts to

	keep *Cmd // until the process has ended, for a Cancel of the program's own

	delay   time.Duration // WaitDelay
	grace   time.Duration // GracePeriod
	timer   *time.Timer   // calls expired; nil until started
	ticking bool          // the timer has been started and nothing has ended it
	hurried bool          // if there is no WaitDelay, it is outputTime
	endings int32         // that are under way: see shutDown
}

// A cancel is what has come of the context.
type cancel uint8

const (
	uncanceled cancel = iota // it is not done, or was after the process was reaped
	canceling                // Cancel has been called and not returned
	canceled                 // it is done
	killed                   // it is done, and the default Cancel has killed the process alone
	unended                  // it is done, and something is left that the default Cancel could not end
)

// bindContext has p interrupted when the context of c is done. The context may
// well outlive c, and must not keep it; but a Cancel of the program's own does, until the
// process has ended.
func (c *Cmd) bindContext(p *child) {
	if c.ctx == nil || c.ctx.Done() == nil || c.Cancel == nil && c.WaitDelay == 0 {
		return
	}
	ctx, cmd, kills := safe(c.ctx), weak.Make(c), c.hasDefaultCancel()
	if c.Cancel != nil && !kills {
		p.mu.Lock()
		if p.phase < reaped {
			p.keep = c
			time.AfterFunc(watchAfter, p.watchKept)
		}
		p.mu.Unlock()
	}
	unbind := context.AfterFunc(ctx, func() {
		c, kills := cmd.Value(), kills
		if c != nil {
			c.startedChild() // whose process may have been replaced
			kills = c.hasDefaultCancel()
		}
		cuts, calls := p.interrupt(c, kills)
		if !calls {
			return
		}
		by, err := canceled, error(nil)
		switch {
		case kills:
			by, err = p.cancelByDefault(p.grace)
			err = cancelError(ctx, err)
		case c != nil && c.Cancel != nil:
			err = cancelError(ctx, callCancel(c))
		}
		if !cuts && by != unended { // the command has ended by itself
			err = nil
		}
		p.interrupted(by, err, c)
	})

	p.mu.Lock()
	defer p.unlockAndStop()
	if p.phase == done {
		p.addStopLocked(unbind)
	} else {
		p.unbind = unbind
	}
}

// watchAfter is when a process is watched whose Cmd is kept. Most have been waited for by
// then, which saves the watch.
const watchAfter = 10 * time.Millisecond

func (p *child) watchKept() {
	p.mu.Lock()
	defer p.unlockAndStop()
	p.keepWatchedLocked()
}

// keepWatchedLocked lets go of the Cmd that is kept, if any, when the process has ended.
func (p *child) keepWatchedLocked() {
	if p.keep == nil {
		return
	}
	p.watchLocked()
	if p.phase != unwatched {
		return
	}
	switch exited, err := p.process.Exited(); {
	case exited || err == os.ErrNoHandle || p.cancel != uncanceled && err != nil:
		p.releaseCmdLocked()
	case err == nil: // but there is no room for one more watch
		time.AfterFunc(rescanInterval, p.watchKept)
	}
}

// releaseCmdLocked lets go of the Cmd that was kept.
func (p *child) releaseCmdLocked() { p.keep = nil }

// interrupt begins to end the child for its context, and reports whether that cuts the command
// short, and whether Cancel is to be called. A process that has ended, reaped or not, is not
// there to be ended; but its group may be, if output is still awaited, which the group may hold. What it
// has left behind without that is killed if the default Cancel would.
func (p *child) interrupt(c *Cmd, kills bool) (cuts, calls bool) {
	alive, _ := p.alive(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	if c != nil {
		p.grace = c.GracePeriod // which may be set until now
	}
	if kills && p.grace > 0 {
		p.hurried = true
	}
	if p.phase == done {
		return false, false
	}
	cuts = !p.exitedLocked() || p.copying > 0
	if alive && (cuts || kills) {
		p.cancel, p.canceler = canceling, goroutine()
		return cuts, true
	}
	if p.phase < reaped {
		p.cancel = canceled
		p.releaseCmdLocked()
	}
	if p.phase < reaped || p.hurried { // there is only output to wait for
		p.startTimerLocked()
	}
	return false, false
}

// interrupted notes that Cancel has returned, and what that amounts to. c is nil if it is
// garbage.
func (p *child) interrupted(by cancel, err error, c *Cmd) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if c != nil {
		p.delay = c.WaitDelay // which may be set until now
	}
	p.cancel, p.cancelErr = by, err
	p.keepWatchedLocked()
	p.startTimerLocked()
	p.advanceLocked()
}

// startTimerLocked starts WaitDelay, if there is one and it has not begun: it does when
// Cancel has returned or the process is reaped, whichever comes first; but not while
// Cancel is running.
func (p *child) startTimerLocked() {
	if delay := p.waitDelayLocked(); delay != 0 && p.timer == nil && p.cancel != canceling {
		p.ticking = true
		p.timer = time.AfterFunc(delay, p.expired)
	}
}

// waitDelayLocked returns WaitDelay, or what stands in for it.
func (p *child) waitDelayLocked() time.Duration {
	if p.delay == 0 && p.hurried {
		return outputTime
	}
	return p.delay
}

// stopTimerLocked ends WaitDelay. p.mu is held, and so the timer itself is for somebody else to
// stop: that must not be the goroutine that watches all processes if it is the timer of a bubble
// of testing/synctest.
func (p *child) stopTimerLocked() {
	if p.ticking {
		p.ticking = false
		p.addStopLocked(p.timer.Stop)
	}
}

// killsGroupLocked reports whether the end of WaitDelay kills a group though its leader
// may have ended: the context has asked all of it to end.
func (p *child) killsGroupLocked() bool {
	return p.group != nil && p.cancel != uncanceled && p.sendGroupLocked(pidfd.Null) != os.ErrProcessDone
}

// expired is called at the end of WaitDelay: it kills the process and closes the
// pipes that are copied from or to, which ends the copying.
func (p *child) expired() {
	p.mu.Lock()
	defer p.unlockAndStop()
	if !p.ticking { // it was too late to stop the timer
		return
	}
	p.ticking = false
	if p.killsGroupLocked() || p.phase < reaped && !p.exitedLocked() {
		if err := p.sendLocked(os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.cancelErr = fmt.Errorf("exec: killing Cmd: %w", err)
		}
	}
	if p.copying > 0 {
		p.copyErr = ErrWaitDelay
	}
	p.closePipesLocked(pipe.atExpiry)
	if p.stdin == stdinCopying {
		time.AfterFunc(stuckAfter, p.abandon)
	}
	p.releaseLocked()
}

// stuckAfter is how long the copying from Stdin has to end once nothing can be written any
// more. It takes no time unless the program's own Read does.
const stuckAfter = 50 * time.Millisecond

// abandon leaves alone the goroutine that copies from Stdin, if it is stuck. It does nothing
// but return once the program's own Read has.
func (p *child) abandon() {
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.stdin == stdinCopying {
		p.stdin = stdinAbandoned
		p.copying--
		p.advanceLocked()
	}
}
