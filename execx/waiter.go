package execx

import (
	"context"
	"flag"
	"runtime/debug"
	"strings"
	"sync"
)

// A waiter is somebody to be told the result, or that its context is done: a goroutine that
// blocks, a channel, or a function.
type waiter struct {
	cmd    *Cmd
	hold   *hold // that its context has on the child, or nil
	index  int32 // in the waiters of the child, or less than 0
	early  bool  // it is called by Cancel, and to be told when the process is reaped
	blocks bool  // it is a goroutine

	err    error
	told   sync.Mutex    // locked until it is told, if there is nothing of these:
	result chan error    // has room for err
	f      func(error)   // is called in a goroutine
	closed func()        // is called, too, if err is ErrClosed
	loose  []func() bool // what a child has left for a goroutine to call
}

// A hold is what the context of some waiters has on a child.
type hold struct {
	ctx  context.Context
	n    int         // of waiters
	stop func() bool // ends it; nil until it has begun
}

// newWaiter returns a waiter for the result of c that blocks.
func newWaiter(c *Cmd) *waiter {
	w := &waiter{cmd: c, index: -1, blocks: true}
	if inTest() {
		// A mutex can do what a channel can't: to block on it does not count as idle in a bubble
		// of testing/synctest, whose clock must not advance while a real process runs. But it
		// counts as contention, with all who look at that.
		w.told.Lock()
	} else {
		w.result = make(chan error, 1)
	}
	return w
}

// inTest reports whether this program is a test, and so may have bubbles.
var inTest = sync.OnceValue(func() bool {
	if flag.Lookup("test.v") != nil {
		return true
	}
	info, ok := debug.ReadBuildInfo() // flags are not there yet when packages are initialized
	return ok && strings.HasSuffix(info.Path, ".test")
})

// tell tells err, once.
func (w *waiter) tell(err error) {
	w.err = err
	if w.closed != nil && err == ErrClosed {
		w.closed()
	}
	switch {
	case w.f != nil:
		go w.f(err)
	case w.result != nil:
		w.result <- err
		close(w.result)
	default:
		w.told.Unlock()
	}
}

// await blocks until the waiter is told.
func (w *waiter) await() error {
	if w.result != nil {
		<-w.result
	} else {
		w.told.Lock()
	}
	release(w.loose)
	return w.err
}

// join has w told the result, or that ctx is done.
func (p *child) join(ctx context.Context, w *waiter) {
	// A context can be anybody's code: it is called with no lock held.
	ctxErr, ends := ctx.Err(), ctx.Done() != nil
	if !p.enter(ctx, w, ctxErr, ends) {
		return
	}
	h := w.hold
	stop := context.AfterFunc(ctx, func() { p.leave(h, ctx.Err()) })
	p.mu.Lock()
	if h.n > 0 {
		h.stop, stop = stop, nil
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
	if w.blocks {
		defer p.unlock()
	} else { // WaitChan returns at once
		defer p.unlockLater()
	}
	known, err := p.settled(w.cmd)
	if known || ctxErr != nil {
		if !known {
			err = ctxErr
		}
		p.tellLater(w, err)
		return false
	}
	w.early = w.f == nil && p.calledByCancel(w.cmd)
	w.index = int32(len(p.waiters))
	p.waiters = append(p.waiters, w)
	if p.traced && len(p.waiters) == 1 {
		p.leaveAlone() // it was its end that was watched for
	}
	p.watch()
	if !ends {
		return false
	}
	// Whoever polls with WaitChan has one context.
	if p.hold != nil && p.hold.ctx == ctx {
		p.hold.n++
		w.hold = p.hold
		return false
	}
	w.hold = &hold{ctx: ctx, n: 1}
	if _, foreign := ctx.(foreignContext); !foreign { // which may not be comparable
		p.hold = w.hold
	}
	return true
}

// leave takes those from the waiters whom h is for, and tells them err.
func (p *child) leave(h *hold, err error) {
	p.mu.Lock()
	defer p.unlock()
	for i := len(p.waiters) - 1; i >= 0; i-- {
		if w := p.waiters[i]; w.hold == h {
			p.remove(w)
			p.tellLater(w, err)
		}
	}
	p.left()
}

// dismiss takes w from the waiters, and reports whether it was not told before.
func (p *child) dismiss(w *waiter) bool {
	p.mu.Lock()
	defer p.unlockLater()
	if w.index < 0 {
		return false
	}
	p.remove(w)
	p.left()
	return true
}

// remove takes w from the waiters. p.mu is held.
func (p *child) remove(w *waiter) {
	last := len(p.waiters) - 1
	p.waiters[w.index] = p.waiters[last]
	p.waiters[w.index].index = w.index
	p.waiters[last] = nil
	p.waiters = p.waiters[:last]
	w.index = -1
	if h := w.hold; h != nil {
		if h.n--; h.n == 0 {
			p.endHold(h)
		}
	}
}

// endHold ends the hold of a context. p.mu is held.
func (p *child) endHold(h *hold) {
	p.loosen(h.stop)
	h.n, h.stop = 0, nil
	if p.hold == h {
		p.hold = nil
	}
}

// left sees to it that nothing is watched for those who have left. p.mu is held.
func (p *child) left() {
	if len(p.waiters) > 0 {
		return
	}
	p.waiters = nil // or it keeps the room it once needed
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

// tellAll has the result, which is known now, told to all waiters. p.mu is held.
func (p *child) tellAll() {
	for _, w := range p.waiters { // before anybody is told
		p.record(w.cmd)
		w.index = -1
		if w.hold != nil && w.hold.n > 0 {
			p.endHold(w.hold)
		}
		w.err = p.err
	}
	p.telling = append(p.telling, p.waiters...)
	p.waiters = nil
}

// tellEarly has the exit status told to those who wait in Cancel, and so can't wait for the result,
// which waits for Cancel. p.mu is held.
func (p *child) tellEarly() {
	for i := len(p.waiters) - 1; i >= 0; i-- {
		if w := p.waiters[i]; w.early {
			p.record(w.cmd)
			p.remove(w)
			p.tellLater(w, p.exitErr)
		}
	}
}

// tellLater has unlock tell w, which has been removed. p.mu is held.
func (p *child) tellLater(w *waiter, err error) {
	w.err = err
	p.telling = append(p.telling, w)
}

// record sets c's ProcessState, and only once: others may be reading it. A command that
// was closed before it was reaped has none.
func (p *child) record(c *Cmd) {
	if p.state != nil && p.err != ErrClosed && c.ProcessState != p.state {
		c.ProcessState = p.state
	}
}
