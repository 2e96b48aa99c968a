package execx

import (
	"flag"
	"runtime/debug"
	"strings"
	"sync"
)

// A listener is told a result, once: a goroutine that blocks, a channel, or a function.
type listener interface {
	tell(err error)
}

// A channel has room for the result.
type channel chan error

func (c channel) tell(err error) {
	c <- err
	close(c)
}

// A callback is called in a goroutine of its own.
type callback func(error)

func (f callback) tell(err error) { go f(err) }

// A sleeper is a goroutine that blocks.
type sleeper struct {
	err    error
	told   chan struct{} // closed when it is told, if not nil, or else
	lock   sync.Mutex    // unlocked
	closed func()        // is called, too, if err is ErrClosed
	loose  []func() bool // what a child has left for a goroutine to call
}

func newSleeper() *sleeper {
	s := new(sleeper)
	if inTest() {
		// A mutex can do what a channel can't: to block on it does not count as idle in a bubble
		// of testing/synctest, whose clock must not advance while a real process runs. But it
		// counts as contention, with all who look at that.
		s.lock.Lock()
	} else {
		s.told = make(chan struct{})
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

func (s *sleeper) tell(err error) {
	s.err = err
	if s.closed != nil && err == ErrClosed {
		s.closed()
	}
	if s.told != nil {
		close(s.told)
	} else {
		s.lock.Unlock()
	}
}

// await blocks until the sleeper is told.
func (s *sleeper) await() error {
	if s.told != nil {
		<-s.told
	} else {
		s.lock.Lock()
	}
	release(s.loose)
	return s.err
}

// sleeper returns the goroutine that w is, or nil.
func (w *waiter) sleeper() *sleeper {
	s, _ := w.listener.(*sleeper)
	return s
}
