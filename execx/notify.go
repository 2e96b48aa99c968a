package execx

import (
	"sync"

	"go.execx.dev/internal/realtime"
)

// While p.mu is held, no waiter is notified, no context is unregistered and no pipe is closed:
// there can be very many waiters, a context can be anybody's code, and closing a pipe can block.
// These calls are deferred until p.mu is unlocked, by one of two methods:
//
//   - unlockAndStop makes them before it returns. It is for goroutines of the package itself, and
//     for methods that may block.
//   - unlockAndStopLater makes what could take long in another goroutine. It is for methods that
//     must not block, and for the goroutine that watches all processes.
//
// Where nothing can be deferred, p.mu.Unlock is called.

// deferred holds the calls to make once p.mu is unlocked.
type deferred struct {
	notices []notice
	stops   []func() bool // unregister contexts, stop timers and close pipes
}

// A notice is a result for waiters that were removed from a child.
type notice struct {
	waiters []*waiter
	err     error
}

// deferredLocked returns the deferred calls, to add to.
func (p *child) deferredLocked() *deferred {
	if p.deferred == nil {
		p.deferred = new(deferred)
	}
	return p.deferred
}

// addStopLocked defers a call of stop, unless that is nil.
func (p *child) addStopLocked(stop func() bool) {
	if stop != nil {
		d := p.deferredLocked()
		d.stops = append(d.stops, stop)
	}
}

// notifyLocked defers notifying waiters of err.
func (p *child) notifyLocked(waiters []*waiter, err error) {
	d := p.deferredLocked()
	d.notices = append(d.notices, notice{waiters, err})
}

// unlockAndStop unlocks p.mu and makes the deferred calls.
func (p *child) unlockAndStop() {
	notices, stops := p.unlockAndTake()
	notify(notices)
	callStops(stops)
}

// maxInline is the number of waiters that unlockAndStopLater notifies itself.
const maxInline = 100

// unlockAndStopLater unlocks p.mu. It makes the deferred calls that could take long in a new
// goroutine.
func (p *child) unlockAndStopLater() {
	notices, stops := p.unlockAndTake()
	n := 0
	for _, notice := range notices {
		n += len(notice.waiters)
	}
	if n > maxInline {
		go notify(notices)
	} else {
		notify(notices)
	}
	if len(stops) > 0 {
		go callStops(stops)
	}
}

// unlockAndTake unlocks p.mu and returns the deferred calls. If a goroutine is blocked in a wait
// that is over, it is left to that goroutine to call the stops.
func (p *child) unlockAndTake() (notices []notice, stops []func() bool) {
	d := p.deferred
	p.deferred = nil
	p.mu.Unlock()
	if d == nil {
		return nil, nil
	}
	if len(d.stops) == 0 {
		return d.notices, nil
	}
	for _, notice := range d.notices {
		for _, w := range notice.waiters {
			if b := w.blocked(); b != nil {
				b.stops = d.stops
				return d.notices, nil
			}
		}
	}
	return d.notices, d.stops
}

func notify(notices []notice) {
	for _, notice := range notices {
		for _, w := range notice.waiters {
			w.notify(notice.err)
		}
	}
}

func callStops(stops []func() bool) {
	for _, stop := range stops {
		stop()
	}
}

// A listener is notified of a result, once.
type listener interface {
	notify(err error)
}

// A resultChan is a channel with room for the result.
type resultChan chan error

func (c resultChan) notify(err error) {
	c <- err
	close(c)
}

// A callback is called in a goroutine of its own.
type callback func(error)

func (f callback) notify(err error) { go f(err) }

// A blockedWaiter is a goroutine that is blocked until it is notified.
type blockedWaiter struct {
	err    error
	done   chan struct{} // closed by notify; or if it is nil,
	lock   sync.Mutex    // unlocked by notify
	closed func()        // called by notify if err is ErrClosed, unless it is nil
	stops  []func() bool // for the goroutine to call
}

func newBlockedWaiter() *blockedWaiter {
	b := new(blockedWaiter)
	if realtime.InBubble() {
		// Blocking on a mutex, unlike on a channel, is not durably blocking in a testing/synctest
		// bubble, whose clock must not advance while a real process runs. But it counts as mutex
		// contention in profiles and metrics.
		b.lock.Lock()
	} else {
		b.done = make(chan struct{})
	}
	return b
}

func (b *blockedWaiter) notify(err error) {
	b.err = err
	if b.closed != nil && err == ErrClosed {
		b.closed()
	}
	if b.done != nil {
		close(b.done)
	} else {
		b.lock.Unlock()
	}
}

// await blocks until notify was called, and returns its error.
func (b *blockedWaiter) await() error {
	if b.done != nil {
		<-b.done
	} else {
		b.lock.Lock()
	}
	callStops(b.stops)
	return b.err
}

// blocked returns the blocked goroutine that w stands for, or nil.
func (w *waiter) blocked() *blockedWaiter {
	b, _ := w.listener.(*blockedWaiter)
	return b
}
