package execx

import "context"

// A waiter is a call of a waiting method that has not got the result yet.
type waiter struct {
	listener
	cmd   *Cmd
	under *ctxWaiters // the waiters under its context; nil if that is never done
	index int32       // in under.waiters or child.waiters
	early bool        // the caller is Cancel, which is notified as soon as the process is reaped
}

// ctxWaiters are the waiters of a child under one context. There is more than one of them if a
// program polls with WaitChan, for example.
type ctxWaiters struct {
	ctx     context.Context
	stop    func() bool // unregisters the child from ctx; nil until it is registered
	waiters []*waiter
	index   int // in child.byContext
}

// addListener notifies w of the result once that is known, or of the error of ctx if that is done
// first.
func (p *child) addListener(ctx context.Context, w *waiter) {
	// The methods of ctx can be anybody's code, and are called without the lock.
	ctxErr, ends := ctx.Err(), ctx.Done() != nil
	if !p.addWaiter(ctx, w, ctxErr, ends) {
		return
	}
	set := w.under
	stop := context.AfterFunc(ctx, func() { p.contextDone(set, ctx.Err()) })
	p.mu.Lock()
	if len(set.waiters) > 0 {
		set.stop, stop = stop, nil
	}
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// addWaiter notifies w of the result if it is known, or of ctxErr if that is not nil. Otherwise it
// adds w to the waiters, and reports whether contextDone must be registered with ctx.
func (p *child) addWaiter(ctx context.Context, w *waiter, ctxErr error, ends bool) bool {
	p.mu.Lock()
	if w.blocked() != nil {
		defer p.unlockAndStop()
	} else { // WaitChan and AfterWait must not block
		defer p.unlockAndStopLater()
	}
	known, err := p.pollLocked(w.cmd)
	if known || ctxErr != nil {
		if !known {
			err = ctxErr
		}
		p.notifyLocked([]*waiter{w}, err)
		return false
	}
	if _, calls := w.listener.(callback); !calls {
		w.early = p.calledByCancelLocked(w.cmd)
	}
	isNew := ends && p.addByContextLocked(ctx, w)
	if !ends {
		w.index = int32(len(p.waiters))
		p.waiters = append(p.waiters, w)
	}
	p.waiting++
	if p.traced && p.waiting == 1 {
		p.unwatchLocked() // only its end was watched, and now its stops matter, too
	}
	p.watchLocked()
	return isNew
}

// addByContextLocked adds w to the waiters under ctx, and reports whether it is the first.
func (p *child) addByContextLocked(ctx context.Context, w *waiter) (isNew bool) {
	_, foreign := ctx.(foreignContext) // whose type may not be comparable
	last := len(p.byContext) - 1
	if isNew = last < 0 || foreign || p.byContext[last].ctx != ctx; isNew {
		last++
		p.byContext = append(p.byContext, &ctxWaiters{ctx: ctx, index: last})
	}
	w.under = p.byContext[last]
	w.index = int32(len(w.under.waiters))
	w.under.waiters = append(w.under.waiters, w)
	return isNew
}

// contextDone removes the waiters under a context that is done, and notifies them of its error.
func (p *child) contextDone(c *ctxWaiters, err error) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if len(c.waiters) == 0 {
		return
	}
	p.waiting -= len(c.waiters)
	p.notifyLocked(c.waiters, err)
	p.removeContextLocked(c)
	p.waitersLeftLocked()
}

// stopWaiting removes w, and reports whether it was not notified before.
func (p *child) stopWaiting(w *waiter) bool {
	p.mu.Lock()
	defer p.unlockAndStopLater()
	if !p.removeWaiterLocked(w) {
		return false
	}
	p.waitersLeftLocked()
	return true
}

// removeWaiterLocked removes w, and reports whether it was among the waiters.
func (p *child) removeWaiterLocked(w *waiter) bool {
	waiters := &p.waiters
	if w.under != nil {
		waiters = &w.under.waiters
	}
	if int(w.index) >= len(*waiters) || (*waiters)[w.index] != w {
		return false
	}
	last := len(*waiters) - 1
	(*waiters)[w.index] = (*waiters)[last]
	(*waiters)[w.index].index = w.index
	(*waiters)[last] = nil
	*waiters = (*waiters)[:last]
	p.waiting--
	if last == 0 && w.under != nil {
		p.removeContextLocked(w.under)
	}
	return true
}

// removeContextLocked removes a context that has no waiters any more, and unregisters from it.
func (p *child) removeContextLocked(c *ctxWaiters) {
	p.addStopLocked(c.stop)
	c.waiters, c.stop = nil, nil
	last := len(p.byContext) - 1
	p.byContext[c.index] = p.byContext[last]
	p.byContext[c.index].index = c.index
	p.byContext[last] = nil
	p.byContext = p.byContext[:last]
}

// waitersLeftLocked ends the watch if it was for waiters that were removed.
func (p *child) waitersLeftLocked() {
	if p.waiting > 0 {
		return
	}
	p.waiters, p.byContext = nil, nil // release their memory
	switch {
	case p.mayReapLocked():
	case p.keptCmd == nil:
		p.unwatchLocked()
	case p.traced:
		p.rewatchLocked() // for its end only
	}
}

// result returns the result if it is known.
func (p *child) result(c *Cmd) (known bool, err error) {
	p.mu.Lock()
	defer p.unlockAndStop()
	return p.pollLocked(c)
}

// tryResult is like result, but does not block.
func (p *child) tryResult(c *Cmd) (known bool, err error) {
	p.mu.Lock()
	defer p.unlockAndStopLater()
	return p.pollLocked(c)
}

// notifyAllLocked removes all waiters and notifies them of the result, which is known.
func (p *child) notifyAllLocked() {
	if p.waiting == 0 {
		return
	}
	if len(p.waiters) > 0 {
		p.setProcessStateLocked(p.waiters[0].cmd) // all waiters have the same Cmd
		p.notifyLocked(p.waiters, p.err)
	}
	for _, c := range p.byContext {
		p.setProcessStateLocked(c.waiters[0].cmd)
		p.notifyLocked(c.waiters, p.err)
		p.addStopLocked(c.stop)
		c.waiters, c.stop = nil, nil
	}
	p.waiters, p.byContext, p.waiting = nil, nil, 0
}

// notifyEarlyLocked notifies the waiters that Cancel has called of the exit status. They can't wait
// for the result, which is not known before Cancel returns.
func (p *child) notifyEarlyLocked() {
	for _, w := range p.earlyWaitersLocked() {
		p.setProcessStateLocked(w.cmd)
		p.removeWaiterLocked(w)
		p.notifyLocked([]*waiter{w}, p.exitErr)
	}
}

// earlyWaitersLocked returns the waiters that Cancel has called.
func (p *child) earlyWaitersLocked() (early []*waiter) {
	add := func(waiters []*waiter) {
		for _, w := range waiters {
			if w.early {
				early = append(early, w)
			}
		}
	}
	if p.cancel == canceling || p.execWait != nil {
		add(p.waiters)
		for _, c := range p.byContext {
			add(c.waiters)
		}
	}
	return early
}

// setProcessStateLocked sets c.ProcessState, once, since others may read it concurrently. It stays
// nil if the command was closed before it was reaped.
func (p *child) setProcessStateLocked(c *Cmd) {
	if p.state != nil && p.err != ErrClosed && c.ProcessState != p.state {
		c.ProcessState = p.state
	}
}
