package execx

import (
	"cmp"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"go.execx.dev/internal/pidfd"
)

// A child is a process from its start to its result, and the only place that
// decides when it is reaped, exactly once, and what the result is.
//
//	unwatched ⇄ watched ──→ reaped → done
//	    └─────→ blocked ──────↗
//
// Every method of Cmd that waits is a door to it, and so are its context, its
// copying goroutines and the timer of WaitDelay.
//
// A child refers to its Cmd through the waiters alone, unless os/exec started it.
// What may outlive a Cmd that nobody waits for, such as the poller and the
// context, holds only the child.
type child struct {
	process *os.Process

	// reap collects the exit status, blocking until the process has ended. If
	// it is quick, it does not block after that.
	reap  func() (*os.ProcessState, error)
	quick bool

	mu      sync.Mutex // guards everything below; internal/pidfd is called with it held
	phase   phase
	unwatch func()               // ends the watch, if watched
	waiters map[*waiter]struct{} // to be told the result; nil if there are none
	wanted  bool                 // to be reaped even if there are none

	state   *os.ProcessState // once reaped
	exitErr error            // what the exit status amounts to, once reaped
	copying int              // goroutines that still copy
	copyErr error            // of the first of them that failed
	pipes   []pipe           // open ends in this process
	stderr  *edges           // where Output captures standard error, or nil
	interruption

	err error // the result, once done
}

// A phase is how far a child has come towards its result.
type phase int

const (
	unwatched phase = iota // nobody has asked for the end, or all who did gave up
	watched                // internal/pidfd will call exited
	blocked                // a goroutine is in reap, and can't be called back
	reaped                 // but copying, or still busy with the context
	done
)

// newChild returns the child of a process that only this package waits for.
func newChild(process *os.Process) *child {
	return &child{
		process: process,
		quick:   true,
		reap: func() (*os.ProcessState, error) {
			state, err := process.Wait()
			if err != nil {
				return nil, err
			}
			return state, exitError(state)
		},
	}
}

// adoptChild returns the child of a command that os/exec started. If it has
// started goroutines, too, only its own Wait can end them.
func adoptChild(c *Cmd) *child {
	p := newChild(c.Process)
	p.pipes = c.pipes
	if !isFile(c.Stdin) || !isFile(c.Stdout) || !isFile(c.Stderr) || c.Cancel != nil || c.WaitDelay != 0 {
		p.quick = false
		p.reap = func() (*os.ProcessState, error) {
			err := c.Cmd.Wait()
			return c.ProcessState, err
		}
	}
	return p
}

func exitError(state *os.ProcessState) error {
	if state.Success() {
		return nil
	}
	return &ExitError{ProcessState: state}
}

func isFile(stream any) bool {
	_, ok := stream.(*os.File)
	return ok || stream == nil
}

// settled reports whether the result is known, after reaping the process if it
// has ended unnoticed. If so, c's ProcessState is set. p.mu is held.
func (p *child) settled(c *Cmd) bool {
	p.delay = c.WaitDelay // which may be set between Start and Wait
	if p.phase < blocked {
		p.check(c.ProcessState)
	}
	if p.phase == done {
		p.record(c)
	}
	return p.phase == done
}

// check collects the exit status if the process has ended. state is not nil if
// c.Cmd.Wait has done so before us. p.mu is held.
func (p *child) check(state *os.ProcessState) {
	if state != nil {
		p.quick = true
		p.reap = func() (*os.ProcessState, error) { return state, exitError(state) }
		p.end()
		return
	}
	switch exited, err := pidfd.Exited(p.process); {
	case err != nil:
		p.block()
	case exited:
		p.end()
	}
}

// watch has the process reaped as soon as it ends. p.mu is held.
func (p *child) watch() {
	if p.phase != unwatched {
		return
	}
	unwatch, err := pidfd.AfterExit(p.process, p.exited)
	switch {
	case err == nil:
		p.phase, p.unwatch = watched, unwatch
	case errors.Is(err, os.ErrProcessDone):
		p.end()
	default:
		// No pidfds here, or no room for one more watch: a thread is the
		// price of not losing the child.
		p.block()
	}
}

// block has a goroutine wait for the process. p.mu is held.
func (p *child) block() {
	p.phase = blocked
	go func() {
		state, err := p.reap()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.collected(state, err)
	}()
}

// lingering has a place for each thread that may be blocked in linger.
var lingering = make(chan struct{}, runtime.GOMAXPROCS(0))

// lingerFor is longer than a tick of the kernel's clock. A timer that is due before
// the next tick has to be programmed, which costs ten microseconds in a virtual
// machine, and one that is due later is not.
const lingerFor = 10 * time.Millisecond

// linger blocks a thread for a short while, until the process has ended. To be
// woken by the network poller costs two switches of goroutines more, which is
// much for a process that lives for a few hundred microseconds.
func (p *child) linger() {
	select {
	case lingering <- struct{}{}:
		pidfd.Linger(p.process, lingerFor)
		<-lingering
	default:
	}
}

// exited is called by internal/pidfd, and must not block.
func (p *child) exited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase < blocked { // else somebody saw it before
		p.end()
	}
}

// end collects the exit status of the process, which has ended. p.mu is held.
func (p *child) end() {
	if p.phase == watched {
		p.unwatch()
	}
	if !p.quick {
		p.block()
		return
	}
	p.collected(p.reap())
}

// collected notes the exit status. p.mu is held.
func (p *child) collected(state *os.ProcessState, err error) {
	p.phase = reaped
	p.state, p.exitErr = state, err
	if len(p.pipes) > 0 {
		p.startTimer()
	}
	p.advance()
}

// copied notes the end of a copying goroutine.
func (p *child) copied(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.copying--
	if p.copyErr == nil {
		p.copyErr = err
	}
	p.advance()
}

// advance fixes the result, if nothing that could change it is under way, and
// tells everybody who waits for it. p.mu is held.
func (p *child) advance() {
	if p.phase != reaped || p.copying > 0 || p.canceling {
		return
	}
	p.phase = done
	p.err = cmp.Or(p.exitErr, p.cancelErr, p.copyErr)
	if exitErr, ok := p.err.(*ExitError); ok && p.stderr != nil {
		exitErr.Stderr = p.stderr.Bytes()
	}

	p.pipes = slices.DeleteFunc(p.pipes, func(end pipe) bool { return !end.ended() })
	if len(p.pipes) == 0 {
		p.stopTimer()
	}
	p.stderr = nil
	p.tellAll()
}
