package execx

import "context"

// A waiter is somebody to be told the result, or that its context is done.
type waiter struct {
	listener
	cmd   *Cmd
	crowd *crowd // of its context, or nil
	index int32  // among those that wait as it does
	early bool   // it is called by Cancel, and to be told when the process is reaped
}

// A crowd is those that wait for a child under one context. There is more than one of them if a
// program polls with WaitChan.
type crowd struct {
	ctx     context.Context
	stop    func() bool // ends the hold that it has on the child; nil until that has begun
	waiters []*waiter
	index   int // in the crowds of the child
}

// join has w told the result, or that ctx is done.
func (p *child) join(ctx context.Context, w *waiter) {
	// A context can be anybody's code: it is called with no lock held.
	ctxErr, ends := ctx.Err(), ctx.Done() != nil
	if !p.enter(ctx, w, ctxErr, ends) {
		return
	}
	crowd := w.crowd
	stop := context.AfterFunc(ctx, func() { p.leave(crowd, ctx.Err()) })
	p.mu.Lock()
	if len(crowd.waiters) > 0 {
		crowd.stop, stop = stop, nil
	}
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// enter tells w what is known now, that is the result or ctxErr. If neither is,
// it adds w to the waiters. It reports whether ctx is to have a hold on p that it has not yet.
func (p *child) enter(ctx context.Context, w *waiter, ctxErr error, ends bool) bool {
	p.mu.Lock()
	if w.sleeper() != nil {
		defer p.unlock()
	} else { // WaitChan returns at once
		defer p.unlockLater()
	}
	known, err := p.settled(w.cmd)
	if known || ctxErr != nil {
		if !known {
			err = ctxErr
		}
		p.tellLater([]*waiter{w}, err)
		return false
	}
	if _, calls := w.listener.(callback); !calls {
		w.early = p.calledByCancel(w.cmd)
	}
	isNew := ends && p.joinCrowd(ctx, w)
	if !ends {
		w.index = int32(len(p.waiters))
		p.waiters = append(p.waiters, w)
	}
	p.waiting++
	if p.traced && p.waiting == 1 {
		p.leaveAlone() // it was its end that was watched for
	}
	p.watch()
	return isNew
}

// joinCrowd adds w to those that wait under ctx, and reports whether it is the first. p.mu is held.
func (p *child) joinCrowd(ctx context.Context, w *waiter) (isNew bool) {
	_, foreign := ctx.(foreignContext) // which may not be comparable
	last := len(p.crowds) - 1
	if isNew = last < 0 || foreign || p.crowds[last].ctx != ctx; isNew {
		last++
		p.crowds = append(p.crowds, &crowd{ctx: ctx, index: last})
	}
	w.crowd = p.crowds[last]
	w.index = int32(len(w.crowd.waiters))
	w.crowd.waiters = append(w.crowd.waiters, w)
	return isNew
}

// leave takes a crowd from the waiters, and tells it err.
func (p *child) leave(c *crowd, err error) {
	p.mu.Lock()
	defer p.unlock()
	if len(c.waiters) == 0 {
		return
	}
	p.waiting -= len(c.waiters)
	p.tellLater(c.waiters, err)
	p.disperse(c)
	p.left()
}

// dismiss takes w from the waiters, and reports whether it was not told before.
func (p *child) dismiss(w *waiter) bool {
	p.mu.Lock()
	defer p.unlockLater()
	if !p.remove(w) {
		return false
	}
	p.left()
	return true
}

// remove takes w from the waiters, and reports whether it was one of them. p.mu is held.
func (p *child) remove(w *waiter) bool {
	waiters := &p.waiters
	if w.crowd != nil {
		waiters = &w.crowd.waiters
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
	if last == 0 && w.crowd != nil {
		p.disperse(w.crowd)
	}
	return true
}

// disperse ends the hold of a context under which nobody waits any more. p.mu is held.
func (p *child) disperse(c *crowd) {
	p.loosen(c.stop)
	c.waiters, c.stop = nil, nil
	last := len(p.crowds) - 1
	p.crowds[c.index] = p.crowds[last]
	p.crowds[c.index].index = c.index
	p.crowds[last] = nil
	p.crowds = p.crowds[:last]
}

// left sees to it that nothing is watched for those who have left. p.mu is held.
func (p *child) left() {
	if p.waiting > 0 {
		return
	}
	p.waiters, p.crowds = nil, nil // or they keep the room they once needed
	switch {
	case p.mayReap():
	case p.keep == nil:
		p.leaveAlone()
	case p.traced:
		p.rewatch() // for its end
	}
}

// try returns the result if it is known.
func (p *child) try(c *Cmd, unlock func(*child)) (known bool, err error) {
	p.mu.Lock()
	defer unlock(p)
	return p.settled(c)
}

// tellAll has the result, which is known now, told to all waiters. p.mu is held: whatever their
// number, it takes no time.
func (p *child) tellAll() {
	if p.waiting == 0 {
		return
	}
	if len(p.waiters) > 0 {
		p.record(p.waiters[0].cmd) // before anybody is told; it is that of all
		p.tellLater(p.waiters, p.err)
	}
	for _, c := range p.crowds {
		p.record(c.waiters[0].cmd)
		p.tellLater(c.waiters, p.err)
		p.loosen(c.stop)
		c.waiters, c.stop = nil, nil
	}
	p.waiters, p.crowds, p.waiting = nil, nil, 0
}

// tellEarly has the exit status told to those who wait in Cancel, and so can't wait for the result,
// which waits for Cancel. p.mu is held.
func (p *child) tellEarly() {
	for _, w := range p.early() {
		p.record(w.cmd)
		p.remove(w)
		p.tellLater([]*waiter{w}, p.exitErr)
	}
}

// early returns those who wait in Cancel. p.mu is held.
func (p *child) early() (early []*waiter) {
	add := func(waiters []*waiter) {
		for _, w := range waiters {
			if w.early {
				early = append(early, w)
			}
		}
	}
	if p.cancel == canceling || p.execWait != nil { // else there are none
		add(p.waiters)
		for _, c := range p.crowds {
			add(c.waiters)
		}
	}
	return early
}

// record sets c's ProcessState, and only once: others may be reading it. A command that
// was closed before it was reaped has none.
func (p *child) record(c *Cmd) {
	if p.state != nil && p.err != ErrClosed && c.ProcessState != p.state {
		c.ProcessState = p.state
	}
}
