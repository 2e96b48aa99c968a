package execx

import "context"

// A waiter is somebody to be told the result, or that its context is done.
type waiter struct {
	listener
	cmd   *Cmd
	group *ctxWaiters // of its context, or nil
	index int32       // among those that wait as it does
	early bool        // it is called by Cancel, and to be told when the process is reaped
}

// A crowd is those that wait for a child under one context. There is more than one of them if a
// program polls with WaitChan.
type ctxWaiters struct {
	ctx     context.Context
	stop    func() bool // ends the hold that it has on the child; nil until that has begun
	waiters []*waiter
	index   int // in the crowds of the child
}

// addListener has w told the result, or that ctx is done.
func (p *child) addListener(ctx context.Context, w *waiter) {
	// A context can be anybody's code: it is called with no lock held.
	ctxErr, ends := ctx.Err(), ctx.Done() != nil
	if !p.addWaiter(ctx, w, ctxErr, ends) {
		return
	}
	crowd := w.group
	stop := context.AfterFunc(ctx, func() { p.contextDone(crowd, ctx.Err()) })
	p.mu.Lock()
	if len(crowd.waiters) > 0 {
		crowd.stop, stop = stop, nil
	}
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// addWaiter tells w what is known now, that is the result or ctxErr. If neither is,
// it adds w to the waiters. It reports whether ctx is to have a hold on p that it has not yet.
func (p *child) addWaiter(ctx context.Context, w *waiter, ctxErr error, ends bool) bool {
	p.mu.Lock()
	if w.blocked() != nil {
		defer p.unlockAndStop()
	} else { // WaitChan returns at once
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
		p.unwatchLocked() // it was its end that was watched for
	}
	p.watchLocked()
	return isNew
}

// addByContextLocked adds w to those that wait under ctx, and reports whether it is the first.
func (p *child) addByContextLocked(ctx context.Context, w *waiter) (isNew bool) {
	_, foreign := ctx.(foreignContext) // which may not be comparable
	last := len(p.byContext) - 1
	if isNew = last < 0 || foreign || p.byContext[last].ctx != ctx; isNew {
		last++
		p.byContext = append(p.byContext, &ctxWaiters{ctx: ctx, index: last})
	}
	w.group = p.byContext[last]
	w.index = int32(len(w.group.waiters))
	w.group.waiters = append(w.group.waiters, w)
	return isNew
}

// contextDone takes a crowd from the waiters, and tells it err.
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

// stopWaiting takes w from the waiters, and reports whether it was not told before.
func (p *child) stopWaiting(w *waiter) bool {
	p.mu.Lock()
	defer p.unlockAndStopLater()
	if !p.removeWaiterLocked(w) {
		return false
	}
	p.waitersLeftLocked()
	return true
}

// removeWaiterLocked takes w from the waiters, and reports whether it was one of them.
func (p *child) removeWaiterLocked(w *waiter) bool {
	waiters := &p.waiters
	if w.group != nil {
		waiters = &w.group.waiters
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
	if last == 0 && w.group != nil {
		p.removeContextLocked(w.group)
	}
	return true
}

// removeContextLocked ends the hold of a context under which nobody waits any more.
func (p *child) removeContextLocked(c *ctxWaiters) {
	p.addStopLocked(c.stop)
	c.waiters, c.stop = nil, nil
	last := len(p.byContext) - 1
	p.byContext[c.index] = p.byContext[last]
	p.byContext[c.index].index = c.index
	p.byContext[last] = nil
	p.byContext = p.byContext[:last]
}

// waitersLeftLocked sees to it that nothing is watched for those who have left.
func (p *child) waitersLeftLocked() {
	if p.waiting > 0 {
		return
	}
	p.waiters, p.byContext = nil, nil // or they keep the room they once needed
	switch {
	case p.mayReapLocked():
	case p.keep == nil:
		p.unwatchLocked()
	case p.traced:
		p.rewatchLocked() // for its end
	}
}

// try returns the result if it is known.
func (p *child) try(c *Cmd, unlock func(*child)) (known bool, err error) {
	p.mu.Lock()
	defer unlock(p)
	return p.pollLocked(c)
}

// notifyAllLocked has the result, which is known now, told to all waiters. p.mu is held: whatever their
// number, it takes no time.
func (p *child) notifyAllLocked() {
	if p.waiting == 0 {
		return
	}
	if len(p.waiters) > 0 {
		p.setProcessStateLocked(p.waiters[0].cmd) // before anybody is told; it is that of all
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

// notifyEarlyLocked has the exit status told to those who wait in Cancel, and so can't wait for the result,
// which waits for Cancel.
func (p *child) notifyEarlyLocked() {
	for _, w := range p.earlyWaitersLocked() {
		p.setProcessStateLocked(w.cmd)
		p.removeWaiterLocked(w)
		p.notifyLocked([]*waiter{w}, p.exitErr)
	}
}

// earlyWaitersLocked returns those who wait in Cancel.
func (p *child) earlyWaitersLocked() (early []*waiter) {
	add := func(waiters []*waiter) {
		for _, w := range waiters {
			if w.early {
				early = append(early, w)
			}
		}
	}
	if p.cancel == canceling || p.execWait != nil { // else there are none
		add(p.waiters)
		for _, c := range p.byContext {
			add(c.waiters)
		}
	}
	return early
}

// setProcessStateLocked sets c's ProcessState, and only once: others may be reading it. A command that
// was closed before it was reaped has none.
func (p *child) setProcessStateLocked(c *Cmd) {
	if p.state != nil && p.err != ErrClosed && c.ProcessState != p.state {
		c.ProcessState = p.state
	}
}
