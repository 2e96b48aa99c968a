package execx

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.execx.dev/internal/realtime"
	"go.execx.dev/internal/thread"
)

// startAttempt starts the process.
//
// Pdeathsig is sent when the thread that has started the process ends (see prctl(2)), and the
// runtime may end threads at any time (go.dev/issue/27505). So a process with Pdeathsig is started
// from a thread that outlives it. If the goroutine is locked to its thread, it is started from that
// one, which may have other credentials than the rest of the program, and is the tracer of what it
// starts with Ptrace. In a bubble of testing/synctest, which can't share channels, it is started
// from the calling thread, too.
func (l *launch) startAttempt(c *Cmd) error {
	attr := l.attempt.SysProcAttr
	if attr == nil || attr.Pdeathsig == 0 || attr.Ptrace || lockedToThread() || realtime.InBubble() {
		return l.attempt.Start()
	}
	done, err := pdeathsigStarter.run(&l.attempt)
	l.onReaped = done
	return err
}

// lockedToThread reports whether the calling goroutine is locked to its thread, which the runtime
// only shows in the first line of a stack trace.
func lockedToThread() bool {
	var stack [128]byte
	line, _, _ := bytes.Cut(stack[:runtime.Stack(stack[:], false)], []byte("\n"))
	return bytes.Contains(line, []byte("locked to thread"))
}

var pdeathsigStarter starter

// A starter starts processes from a thread that outlives them. The thread exists only while it has
// children. There is one thread unless a start is stuck, for example because the file system of the
// program does not respond: then another thread takes over.
type starter struct {
	creating sync.Mutex // held while a thread is created; locked before mu
	mu       sync.Mutex
	current  *starterThread // nil if there is none; guarded by mu
}

// A starterThread is a thread of a starter.
type starterThread struct {
	n      int // number of processes that it starts or that are not reaped; guarded by starter.mu
	calls  chan func()
	turn   chan struct{} // full during a start
	starts atomic.Uint64 // number of starts so far
}

// run starts c. If it succeeds, the thread exists until done is called.
func (s *starter) run(c *exec.Cmd) (done func(), err error) {
	var t *starterThread
	for t == nil || !t.takeTurn() {
		next, err := s.enter(t)
		switch {
		case err == nil:
			if t != nil {
				s.leave(t)
			}
			t = next
		case t == nil:
			return nil, &os.PathError{Op: "fork/exec", Path: c.Path, Err: err} // as package os returns
		} // otherwise, there is no room for another thread
	}
	returned := make(chan struct{})
	t.calls <- func() {
		defer close(returned)
		err = c.Start()
	}
	<-returned
	<-t.turn
	if err != nil {
		s.leave(t)
		return nil, err
	}
	return func() { s.leave(t) }, nil
}

// enter returns the thread to start a process from, which is not the stuck one. The caller must
// call leave. The error is EAGAIN if there is no such thread and none can be created.
func (s *starter) enter(stuck *starterThread) (*starterThread, error) {
	if t := s.enterCurrent(stuck); t != nil {
		return t, nil
	}
	s.creating.Lock()
	defer s.creating.Unlock()
	if t := s.enterCurrent(stuck); t != nil {
		return t, nil // created by another goroutine
	}
	if err := thread.CheckAvailable(); err != nil {
		return nil, err
	}
	t := &starterThread{n: 1, calls: make(chan func()), turn: make(chan struct{}, 1)}
	go t.serve()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = t
	return t, nil
}

// enterCurrent is enter if there is such a thread, and returns nil otherwise.
func (s *starter) enterCurrent(stuck *starterThread) *starterThread {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || s.current == stuck {
		return nil
	}
	s.current.n++
	return s.current
}

func (s *starter) leave(t *starterThread) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.n--
	if t.n > 0 {
		return
	}
	close(t.calls)
	if s.current == t {
		s.current = nil
	}
}

// stuckStart is the time after which a start that has not returned is stuck.
const stuckStart = 100 * time.Millisecond

// takeTurn blocks until t is free to start a process, and returns true, or until a start is stuck,
// and returns false.
func (t *starterThread) takeTurn() bool {
	select {
	case t.turn <- struct{}{}: // needs no timer
		t.starts.Add(1)
		return true
	default:
	}
	for {
		before := t.starts.Load()
		select {
		case t.turn <- struct{}{}:
			t.starts.Add(1)
			return true
		case <-time.After(stuckStart):
			if t.starts.Load() == before {
				return false
			}
		}
	}
}

// serve runs the functions on its thread. It unlocks the thread at the end, since the runtime would
// otherwise end the thread, and create another one.
func (t *starterThread) serve() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for f := range t.calls {
		f()
	}
}
