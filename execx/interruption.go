package execx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"weak"
)

// interruption is the part of a child that cuts it short: its context, Cancel and
// WaitDelay. It is guarded by the mutex of the child.
type interruption struct {
	unbind    func() bool // ends the hold that the context has on the child, or nil
	canceling bool        // Cancel has been called and not returned
	cancelErr error       // what the end of the context amounts to

	delay   time.Duration // WaitDelay
	timer   *time.Timer   // calls expired; nil until started
	ticking bool          // the timer has been started and nothing has ended it
}

// bindContext has p interrupted when the context of c is done. The context may
// well outlive c, and must not keep it.
func (c *Cmd) bindContext(p *child) {
	ctx := c.ctx
	if ctx == nil || ctx.Done() == nil || c.Cancel == nil && c.WaitDelay == 0 {
		return
	}
	cmd, cancels := weak.Make(c), c.Cancel != nil
	unbind := context.AfterFunc(ctx, func() {
		if !p.interrupt() {
			return
		}
		cancel, c := p.kill, cmd.Value()
		if c != nil {
			cancel, cancels = c.Cancel, c.Cancel != nil
		}
		var err error
		if cancels {
			err = canceled(ctx, cancel())
		}
		p.interrupted(err, c)
	})

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != done {
		p.unbind = unbind
	}
}

// canceled returns what the end of ctx makes of the result, given what Cancel
// returned.
func canceled(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctx.Err()
	case errors.Is(err, os.ErrProcessDone):
		return nil
	default:
		return fmt.Errorf("exec: canceling Cmd: %w", err)
	}
}

// interrupt begins to end the child for its context, and reports whether it was
// still there to be ended.
func (p *child) interrupt() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase >= reaped {
		return false
	}
	p.canceling = true
	p.wanted = true
	return true
}

// interrupted notes that Cancel has returned. c is nil if it is garbage. From then on the child is watched,
// so that it is reaped though nobody waits for it; not sooner, for Cancel finds
// a process that has ended but was not reaped, as under os/exec.
func (p *child) interrupted(err error, c *Cmd) {
	p.mu.Lock()
	defer p.unlock()
	if c != nil {
		p.delay = c.WaitDelay // which may be set until now
	}
	p.canceling = false
	p.cancelErr = err
	p.startTimer()
	p.watch()
	p.advance()
}

// startTimer starts WaitDelay, if there is one and it has not begun: it does when
// Cancel has returned or the process is reaped, whichever comes first; but not while
// Cancel is running. p.mu is held.
func (p *child) startTimer() {
	if p.delay > 0 && p.timer == nil && !p.canceling {
		p.ticking = true
		p.timer = time.AfterFunc(p.delay, p.expired)
	}
}

func (p *child) stopTimer() {
	if p.timer != nil {
		p.timer.Stop()
		p.ticking = false
	}
}

// killsGroup reports whether the end of WaitDelay kills a group though its leader
// may have ended: the context has asked all of it to end.
func (p *child) killsGroup() bool {
	return p.group != nil && p.wanted
}

// expired is called at the end of WaitDelay: it kills the process and closes the
// pipes, which ends the copying.
func (p *child) expired() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticking = false
	if p.phase < reaped || p.killsGroup() {
		if err := p.send(os.Kill); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.cancelErr = fmt.Errorf("exec: killing Cmd: %w", err)
		}
	}
	if p.copying > 0 {
		p.copyErr = ErrWaitDelay
	}
	for _, end := range p.pipes {
		end.Close()
	}
	p.pipes = nil
	p.dispose()
}
