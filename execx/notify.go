package execx

import (
	"flag"
	"runtime/debug"
	"strings"
	"sync"
)

// deferred is what unlock does when p.mu is unlocked.
type deferred struct {
	notices []notice
	stops   []func() bool // end holds of contexts, and close pipes
}

// told are waiters that have left a child, and what they are to be told.
type notice struct {
	waiters []*waiter
	err     error
}

// deferredLocked returns what unlock is to do.
func (p *child) deferredLocked() *deferred {
	if p.deferred == nil {
		p.deferred = new(deferred)
	}
	return p.deferred
}

// addStopLocked has unlock call stop, unless that is nil. It ends the hold that a context has on the
// child, or closes a pipe.
func (p *child) addStopLocked(stop func() bool) {
	if stop != nil {
		later := p.deferredLocked()
		later.stops = append(later.stops, stop)
	}
}

// notifyLocked has unlock tell err.
func (p *child) notifyLocked(waiters []*waiter, err error) {
	later := p.deferredLocked()
	later.notices = append(later.notices, notice{waiters, err})
}

// unlockAndStop unlocks p.mu, and then tells waiters, has contexts let go and pipes closed. There can be
// very many waiters, contexts can be anybody's code, and a pipe may be waited for in a system call: no
// lock is held.
func (p *child) unlockAndStop() {
	telling, loose := p.unlockAndTake()
	notify(telling)
	callStops(loose)
}

// maxInline is how many waiters are told by those who must not take long.
const maxInline = 100

// unlockAndStopLater is unlock for those who must not block: if there is much to do, a goroutine of its
// own does it.
func (p *child) unlockAndStopLater() {
	telling, loose := p.unlockAndTake()
	n := 0
	for _, t := range telling {
		n += len(t.waiters)
	}
	if n > maxInline {
		go notify(telling)
	} else {
		notify(telling)
	}
	if len(loose) > 0 {
		go callStops(loose)
	}
}

// unlockAndTake unlocks p.mu, and returns who is to be told and what is to be called then.
func (p *child) unlockAndTake() (telling []notice, loose []func() bool) {
	later := p.deferred
	p.deferred = nil
	p.mu.Unlock()
	if later == nil {
		return nil, nil
	}
	if len(later.stops) == 0 {
		return later.notices, nil
	}
	for _, t := range later.notices {
		for _, w := range t.waiters {
			if s := w.blocked(); s != nil { // which can do that as well
				s.stops = later.stops
				return later.notices, nil
			}
		}
	}
	return later.notices, later.stops
}

func notify(telling []notice) {
	for _, t := range telling {
		for _, w := range t.waiters {
			w.tell(t.err)
		}
	}
}

func callStops(loose []func() bool) {
	for _, stop := range loose {
		stop()
	}
}

// A listener is told a result, once: a goroutine that blocks, a channel, or a function.
type listener interface {
	tell(err error)
}

// A resultChan has room for the result.
type resultChan chan error

func (c resultChan) tell(err error) {
	c <- err
	close(c)
}

// A callback is called in a goroutine of its own.
type callback func(error)

func (f callback) tell(err error) { go f(err) }

// A sleeper is a goroutine that blocks.
type blockedWaiter struct {
	err    error
	done   chan struct{} // closed when it is told, if not nil, or else
	lock   sync.Mutex    // unlocked
	closed func()        // is called, too, if err is ErrClosed
	stops  []func() bool // what a child has left for a goroutine to call
}

func newBlockedWaiter() *blockedWaiter {
	s := new(blockedWaiter)
	if inTest() {
		// A mutex can do what a channel can't: to block on it does not count as idle in a bubble
		// of testing/synctest, whose clock must not advance while a real process runs. But it
		// counts as contention, with all who look at that.
		s.lock.Lock()
	} else {
		s.done = make(chan struct{})
	}
	return s
}

// inTest reports whether this program is a test, and so may have bubbles.
var inTest = sync.OnceValue(func() bool {
	if flag.Lookup("test.v") != nil {
		return true
	}
	info, ok := debug.ReadBuildInfo() // flags are not there yet when packages are initialized
	return ok && strings.HasSuffix(info.Path, ".test")
})

func (s *blockedWaiter) tell(err error) {
	s.err = err
	if s.closed != nil && err == ErrClosed {
		s.closed()
	}
	if s.done != nil {
		close(s.done)
	} else {
		s.lock.Unlock()
	}
}

// await blocks until the sleeper is told.
func (s *blockedWaiter) await() error {
	if s.done != nil {
		<-s.done
	} else {
		s.lock.Lock()
	}
	callStops(s.stops)
	return s.err
}

// blocked returns the goroutine that w is, or nil.
func (w *waiter) blocked() *blockedWaiter {
	s, _ := w.listener.(*blockedWaiter)
	return s
}
