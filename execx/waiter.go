package execx

import (
	"context"
	"sync"
)

// A waiter is somebody to be told the result, or that its context is done.
type waiter struct {
	cmd    *Cmd
	early  bool        // it is called by Cancel, and to be told when the process is reaped
	stop   func() bool // ends the hold that the context has on the waiter, or nil
	closed func()      // called when it is told ErrClosed, or nil
	err    error       // what it was told

	loose []func() bool // what a child has left for await to call

	// told is locked until the waiter is told. A mutex can do what a channel
	// can't: to block on it does not count as idle in a bubble of
	// testing/synctest, whose clock must not advance while a real process runs.
	told sync.Mutex

	result chan error // of WaitChan, with room for the one value; else nil
}

// newWaiter returns a waiter for the result of c.
func newWaiter(c *Cmd) *waiter {
	w := &waiter{cmd: c}
	w.told.Lock()
	return w
}

func (w *waiter) tell(err error) {
	w.err = err
	w.told.Unlock()
	if w.result != nil {
		w.result <- err
		close(w.result)
	}
	if w.closed != nil && err == ErrClosed {
		w.closed()
	}
}

// await blocks until the waiter is told.
func (w *waiter) await() error {
	w.told.Lock()
	release(w.loose)
	return w.err
}

// join has w told the result, or that ctx is done.
func (p *child) join(ctx context.Context, w *waiter) {
	ctxErr := ctx.Err()
	if !p.enter(w, ctxErr) || ctx.Done() == nil {
		return
	}
	// A context can be anybody's code: it is called with no lock held.
	stop := context.AfterFunc(ctx, func() { p.leave(w, ctx.Err()) })
	p.mu.Lock()
	_, waiting := p.waiters[w]
	if waiting {
		w.stop = stop
	}
	p.mu.Unlock()
	if !waiting {
		stop()
	}
}

// enter tells w what is known now, that is the result or ctxErr. If neither is,
// it adds w to the waiters and reports true.
func (p *child) enter(w *waiter, ctxErr error) bool {
	p.mu.Lock()
	if w.result != nil { // WaitChan returns at once
		defer p.unlockLater()
	} else {
		defer p.unlock()
	}
	if known, err := p.settled(w.cmd); known {
		w.tell(err)
		return false
	}
	w.early = p.calledByCancel()
	if ctxErr != nil {
		w.tell(ctxErr)
		return false
	}
	if p.waiters == nil {
		p.waiters = make(map[*waiter]struct{})
	}
	p.waiters[w] = struct{}{}
	if p.traced && len(p.waiters) == 1 {
		p.leaveAlone() // it was its end that was watched for
	}
	p.watch()
	return true
}

// leave takes w from the waiters and tells it err, unless it was told the result.
func (p *child) leave(w *waiter, err error) {
	p.mu.Lock()
	defer p.unlock()
	if _, waiting := p.waiters[w]; !waiting {
		return
	}
	w.tell(err)
	delete(p.waiters, w)
	if len(p.waiters) > 0 {
		return
	}
	p.waiters = nil // a map keeps the room it once needed
	switch {
	case p.mayReap():
	case p.keep == nil:
		p.leaveAlone()
	case p.traced:
		p.rewatch() // for its end
	}
}

// try returns the result if it is known.
func (p *child) try(c *Cmd) (known bool, err error) {
	p.mu.Lock()
	defer p.unlockLater()
	return p.settled(c)
}

// tellAll tells the result, which is known now, to all waiters. p.mu is held.
func (p *child) tellAll() {
	var blocked *waiter
	for w := range p.waiters { // before anybody is told
		p.record(w.cmd)
		p.loosen(w.stop)
		if w.result == nil {
			blocked = w
		}
	}
	if blocked != nil { // and can call them instead of a goroutine
		blocked.loose, p.loose = p.loose, nil
	}
	for w := range p.waiters {
		w.tell(p.err)
	}
	p.waiters = nil
}

// tellEarly tells those the exit status who wait in Cancel, and so can't wait for the result,
// which waits for Cancel. p.mu is held.
func (p *child) tellEarly() {
	for w := range p.waiters {
		if w.early {
			p.record(w.cmd)
			p.loosen(w.stop)
			w.tell(p.exitErr)
			delete(p.waiters, w)
		}
	}
}

// calledByCancel reports whether the caller is called by Cancel. p.mu is held.
func (p *child) calledByCancel() bool {
	return (p.cancel == canceling || p.execWait != nil) && inCancel()
}

// loosen has unlock call stop, unless that is nil. It ends the hold that a context has on the
// child or on a waiter, or closes a pipe. p.mu is held.
func (p *child) loosen(stop func() bool) {
	if stop != nil {
		p.loose = append(p.loose, stop)
	}
}

// unlock unlocks p.mu, and then has contexts let go and pipes closed. Contexts can be anybody's
// code, and a pipe may be waited for in a system call: no lock is held.
func (p *child) unlock() { release(p.unlocked()) }

// unlockLater is unlock for those who must not block: a goroutine of its own lets go.
func (p *child) unlockLater() {
	if loose := p.unlocked(); len(loose) > 0 {
		go release(loose)
	}
}

// unlocked unlocks p.mu, and returns what is to be called then.
func (p *child) unlocked() (loose []func() bool) {
	loose, p.loose = p.loose, nil
	p.mu.Unlock()
	return loose
}

func release(loose []func() bool) {
	for _, stop := range loose {
		stop()
	}
}

// record sets c's ProcessState, and only once: others may be reading it. A command that
// was closed before it was reaped has none.
func (p *child) record(c *Cmd) {
	if p.state != nil && p.err != ErrClosed && c.ProcessState != p.state {
		c.ProcessState = p.state
	}
}
