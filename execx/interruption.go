package execx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"weak"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/realtime"
)

// interruption is the state of what can end a command early: its context, Cancel and WaitDelay. It
// is guarded by the mutex of the child.
type interruption struct {
	unregister func() bool // unregisters the child from its context, or nil
	canceler   uint64      // ID of the goroutine that calls Cancel, if canceling
	cancelErr  error       // the error because the context is done

	keptCmd *Cmd // keeps the Cmd reachable for a Cancel set by the program, until the process has ended

	delay       time.Duration // WaitDelay
	grace       time.Duration // GracePeriod
	timer       *timer        // calls expired; nil until started
	ticking     bool          // the timer was started, and has neither expired nor been stopped
	boundOutput bool          // outputTime stands in for a WaitDelay of zero
	endings     int32         // number of calls of shutDown and Shutdown that have not returned
}

// A cancel is the effect that the context has had.
type cancel uint8

const (
	uncanceled cancel = iota // none: it is not done, or became done after the process was reaped
	canceling                // Cancel was called and has not returned
	canceled                 // Cancel has returned, or was not called
	killed                   // the default Cancel has sent SIGKILL to the process
	leftAlive                // the default Cancel could not end everything
)

// bindContext registers p with the context of c, which may outlive c and must not keep it
// reachable. A Cancel set by the program keeps c reachable until the process has ended.
func (c *Cmd) bindContext(p *child) {
	if c.ctx == nil || c.ctx.Done() == nil || c.Cancel == nil && c.WaitDelay == 0 {
		return
	}
	ctx, cmd, kills := safeContext(c.ctx), weak.Make(c), c.hasDefaultCancel()
	if c.Cancel != nil && !kills {
		p.mu.Lock()
		if p.phase < reaped {
			p.keptCmd = c
			time.AfterFunc(watchAfter, p.watchKeptCmd)
		}
		p.mu.Unlock()
	}
	unbind := context.AfterFunc(ctx, func() {
		c, kills := cmd.Value(), kills
		if c != nil {
			kills = p.reread(c)
		}
		cuts, calls := p.interrupt(kills)
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
		if !cuts && by != leftAlive { // the process had ended by itself
			err = nil
		}
		p.interrupted(by, err, c)
	})

	p.mu.Lock()
	defer p.unlockAndStop()
	if p.phase == done {
		p.addStopLocked(unbind)
	} else {
		p.unregister = unbind
	}
}

// watchAfter is the time after which a process is watched if its Cmd is kept. Most processes have
// been waited for by then, which saves the watch.
const watchAfter = 10 * time.Millisecond

func (p *child) watchKeptCmd() {
	p.mu.Lock()
	defer p.unlockAndStop()
	p.watchKeptCmdLocked()
}

// watchKeptCmdLocked watches the process if its Cmd is kept, to release that when the process has
// ended.
func (p *child) watchKeptCmdLocked() {
	if p.keptCmd == nil {
		return
	}
	p.watchLocked()
	if p.phase != unwatched {
		return
	}
	switch exited, err := p.process.Exited(); {
	case exited || err == os.ErrNoHandle || p.cancel != uncanceled && err != nil:
		p.releaseCmdLocked()
	case err == nil && !realtime.InBubble():
		// There was no room for one more watch. In a bubble, the timer would advance the clock.
		time.AfterFunc(rescanInterval, p.watchKeptCmd)
	}
}

// releaseCmdLocked releases the Cmd if it was kept.
func (p *child) releaseCmdLocked() { p.keptCmd = nil }

// reread reads what the program may have changed in c since Start, and reports whether c.Cancel is
// the default one. It reads nothing once the result is known: from then on, a program that has
// waited for c may write to its fields.
func (p *child) reread(c *Cmd) (kills bool) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.phase == done {
		return false
	}
	p.followLocked(c)
	p.grace = c.GracePeriod
	return c.hasDefaultCancel()
}

// interrupt is called when the context of the child is done. It reports whether this cuts the
// command short, and whether Cancel must be called. A process that has ended, reaped or not, can't
// be canceled; but its group can if output is still copied, which the group may hold open. If no
// output is copied, only the default Cancel is called for the rest of the group.
func (p *child) interrupt(kills bool) (cuts, calls bool) {
	alive, _ := p.alive(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	if kills && p.grace > 0 {
		p.boundOutput = true
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
	if p.phase < reaped || p.boundOutput { // only output is waited for
		p.startTimerLocked()
	}
	return false, false
}

// interrupted is called when Cancel has returned. c is nil if it is unreachable.
func (p *child) interrupted(by cancel, err error, c *Cmd) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if c != nil {
		p.delay = c.WaitDelay // may be set after Start
	}
	p.cancel, p.cancelErr = by, err
	p.watchKeptCmdLocked()
	p.startTimerLocked()
	p.advanceLocked()
}

// startTimerLocked starts the timer of WaitDelay, unless it was started before: when Cancel has
// returned or the process was reaped, whichever comes first, but not while Cancel runs.
func (p *child) startTimerLocked() {
	if delay := p.waitDelayLocked(); delay != 0 && p.timer == nil && p.cancel != canceling {
		p.ticking = true
		p.timer = newTimer(delay, p.expired)
	}
}

// waitDelayLocked returns WaitDelay or its substitute.
func (p *child) waitDelayLocked() time.Duration {
	if p.delay == 0 && p.boundOutput {
		return outputTime
	}
	return p.delay
}

// stopTimerLocked stops the timer of WaitDelay. Stopping it is deferred: in a testing/synctest
// bubble it must not be done by the goroutine that watches all processes.
func (p *child) stopTimerLocked() {
	if p.ticking {
		p.ticking = false
		p.addStopLocked(p.timer.stop)
	}
}

// killsGroupLocked reports whether the end of WaitDelay kills the rest of a group whose leader may
// have ended, because the context has canceled the whole group.
func (p *child) killsGroupLocked() bool {
	return p.group != nil && p.cancel != uncanceled && p.sendGroupLocked(pidfd.Null) != os.ErrProcessDone
}

// expired is called when WaitDelay has expired. It kills the process and closes the pipes that are
// copied to and from, which ends the copying.
func (p *child) expired() {
	p.mu.Lock()
	defer p.unlockAndStop()
	if !p.ticking { // the timer was stopped too late
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

// stuckAfter is how long the copying from Stdin has to end once its pipe is closed. It needs no
// time unless the program's own Read blocks.
const stuckAfter = 50 * time.Millisecond

// abandon gives up the goroutine that copies from Stdin if it is blocked in the program's own Read.
// The goroutine ends when that Read returns.
func (p *child) abandon() {
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.stdin == stdinCopying {
		p.stdin = stdinAbandoned
		p.copying--
		p.advanceLocked()
	}
}
