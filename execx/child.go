package execx

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"sync"

	"go.execx.dev/internal/pidfd"
)

// A child is a process from its start to its result, and the only place that
// decides when it is reaped, exactly once, and what the result is.
//
//	unwatched ⇄ watched ──→ reaped → done
//	    ├─────→ orphaned ─────↗
//	    └─────→ blocked ──────↗
//
// Every method of Cmd that waits is a door to it, and so are Close and the garbage
// collector, its context, its copying goroutines and the timer of WaitDelay.
//
// A child refers to its Cmd through the waiters alone, unless os/exec started it.
// What may outlive a Cmd that nobody waits for, such as the poller, the context and
// the queue of orphans, holds only the child.
type child struct {
	process *os.Process
	origin

	// reap collects the exit status, blocking until the process has ended. If
	// it is quick, it does not block after that.
	reap  func() (*os.ProcessState, error)
	quick bool

	mu      sync.Mutex // guards everything below; internal/pidfd and the queue of orphans are called with it held
	phase   phase
	unwatch func()               // ends the watch, if watched
	awaited chan struct{}        // closed once reaped, if blocked
	waiters map[*waiter]struct{} // to be told the result; nil if there are none
	wanted  bool                 // to be reaped even if there are none
	loose   []func() bool        // end the holds that contexts have on the child and its waiters; for unlock to call

	state   *os.ProcessState // once reaped
	exitErr error            // what the exit status amounts to, once reaped
	copying int              // goroutines that still copy
	copyErr error            // of the first of them that failed
	pipes   []pipe           // open ends in this process
	stderr  *edges           // where Output captures standard error, or nil
	interruption
	disposal

	known bool  // the result is: the child is done or given up
	err   error // the result, once known
}

// A phase is how far a child has come towards its result.
type phase int

const (
	unwatched phase = iota // nobody has asked for the end, or all who did gave up
	watched                // internal/pidfd will call exited
	orphaned               // internal/orphan will see to it, and can't be called back
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
			state, err := pidfd.Wait(process)
			if err != nil {
				return nil, stolen(process, err)
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
	p.stderr, _ = c.Stderr.(*edges)
	if !isFile(c.Stdin) || !isFile(c.Stdout) || !isFile(c.Stderr) || c.Cancel != nil || c.WaitDelay != 0 {
		p.quick = false
		p.reap = func() (*os.ProcessState, error) {
			err := c.Cmd.Wait()
			if c.ProcessState == nil {
				err = stolen(c.Process, err)
			}
			return c.ProcessState, err
		}
	}
	p.origin = origin{pid: c.Process.Pid, args: slices.Clone(c.Args), stack: c.stack}
	p.killOnClose = c.KillOnClose
	if c.ProcessGroup {
		p.group = pidfd.NewGroup(c.Process)
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
	if p.phase <= watched {
		p.check(c.ProcessState)
	}
	if p.known {
		p.record(c)
	}
	return p.known
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

// leaveAlone ends the watch. p.mu is held.
func (p *child) leaveAlone() {
	if p.phase == watched {
		p.unwatch()
		p.phase = unwatched
	}
}

// block has a goroutine wait for the process. p.mu is held.
func (p *child) block() {
	stats.fallbackWaits.Add(1)
	p.leaveAlone()
	p.phase = blocked
	p.awaited = make(chan struct{})
	go func() {
		defer close(p.awaited)
		p.reapBlocking()
	}()
}

// reapBlocking waits for the process, and collects its exit status.
func (p *child) reapBlocking() {
	state, err := p.reap()
	p.mu.Lock()
	defer p.unlock()
	p.collected(state, err)
}

// exited is called by internal/pidfd, and must not block.
func (p *child) exited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase <= watched { // else somebody saw it before
		p.end()
	}
	p.letGoLater()
}

// end collects the exit status of the process, which has ended. p.mu is held.
func (p *child) end() {
	if !p.quick {
		p.block()
		return
	}
	p.leaveAlone()
	p.collected(p.reap())
}

// collected notes the exit status. p.mu is held.
func (p *child) collected(state *os.ProcessState, err error) {
	p.phase = reaped
	p.state, p.exitErr = state, err
	p.strike()
	p.count()
	if len(p.pipes) > 0 {
		p.startTimer()
	}
	p.dispose()
	p.advance()
}

// copied notes the end of a copying goroutine.
func (p *child) copied(err error) {
	p.mu.Lock()
	defer p.unlock()
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
	p.pipes = slices.DeleteFunc(p.pipes, func(end pipe) bool { return !end.ended() })
	if len(p.pipes) == 0 && !p.killsGroup() {
		p.stopTimer()
		p.dispose()
	}
	if !p.known {
		p.err = cmp.Or(p.exitErr, p.cancelErr, p.copyErr)
		if exitErr, ok := p.err.(*ExitError); ok && p.stderr != nil {
			exitErr.Stderr = p.stderr.Bytes()
		}
	}
	p.stderr = nil
	p.loosen(p.unbind)
	p.unbind = nil
	p.tellAll()
}
