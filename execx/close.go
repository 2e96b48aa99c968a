package execx

import (
	"context"
	"os"
	"runtime"
	"time"

	"go.execx.dev/internal/orphan"
	"go.execx.dev/internal/pidfd"
)

// ErrClosed is the result of a command that was closed before its result was known.
// It wraps [os.ErrClosed]. c.ProcessState is nil then.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "exec: command closed" }
func (closedError) Unwrap() error { return os.ErrClosed }

// orphans is the queue of the children that nobody waits for any longer.
var orphans orphan.Queue[*child]

// Close gives the process up, unless its result is known. It kills it first if
// c.KillOnClose is set; otherwise the process lives on, and when it ends it is
// reaped in the background. All who wait for the command, now or later, get
// [ErrClosed]. Close does not wait.
//
// In any case Close closes what StdinPipe, StdoutPipe and StderrPipe have
// returned, and stops the copying to and from other readers and writers: a process
// that lives on may find that nobody reads its output. A read from c.Stdin that
// blocks can't be stopped.
//
// The context of [CommandContext] still governs the process after that, and
// [Cmd.Signal] and [Cmd.Kill] still reach it.
//
// Close always returns nil. It does nothing before Start, and nothing if it
// was called before, so this is right whatever becomes of c:
//
//	c := execx.Command(name)
//	defer c.Close()
//
// A Cmd that is dropped without Close, and without anybody waiting for it, is
// given up when the garbage collector has found it, and its Process as well. In that case
// copying goes on until its end, and pipes are closed when nobody refers to them any more.
func (c *Cmd) Close() error {
	if p := c.startedChild(); p != nil {
		p.close(c)
	}
	return nil
}

// Orphans returns the number of processes that were given up, by [Cmd.Close] or by
// the garbage collector, and have not been reaped yet.
func Orphans() int {
	return orphans.Len()
}

// DrainOrphans blocks until all processes that were given up have ended and are
// reaped, or ctx is done. It returns nil or ctx.Err(). It does not make
// them end. What the garbage collector has given up is reaped about a second after its end.
func DrainOrphans(ctx context.Context) error {
	return orphans.Drain(safe(ctx))
}

// disposal is the part of a child that is about giving it up, and about what is to
// be given back once it is reaped. It is guarded by the mutex of the child.
type disposal struct {
	killOnClose bool
	group       *pidfd.Group // what signals go to, or nil for the process alone
	onReaped    func()       // nil if there is nothing to do
}

// close is Close of c.
func (p *child) close(c *Cmd) {
	p.mu.Lock()
	defer p.unlock()
	p.killOnClose = c.KillOnClose
	p.giveUp(closed)
	for _, end := range p.pipes {
		end.Close()
	}
	p.pipes = nil
	if p.phase >= reaped && !p.killsGroup() { // else WaitDelay still has something to end
		p.stopTimer()
		p.dispose()
	}
}

// dropChild is called when the Cmd of a child is garbage.
func dropChild(key uint64) {
	if p := live.get(key); p != nil {
		p.drop()
	}
}

// drop leaves the child to whoever has its os.Process, which is all that is left of the
// Cmd.
func (p *child) drop() {
	p.mu.Lock()
	defer p.unlock()
	if p.custody != held {
		return
	}
	// Nobody uses the pipes of StdinPipe and its like any more, or somebody does
	// without the Cmd. Either way they are not ours to close.
	p.pipes = copiedPipes(p.pipes)
	if p.traced { // its stops and its end are its tracer's
		p.group.Close()
		p.group = nil
		live.remove(p)
		return
	}
	if p.phase >= blocked {
		p.giveUp(forgotten)
		return
	}
	p.leaveAlone()
	theirs := p.process.OS
	own, err := p.process.Reopen()
	if err != nil { // they have reaped it
		p.collected(stolen(p.process, err))
		p.giveUp(forgotten)
		return
	}
	released := p.process.Released()
	p.process, p.custody = own, dropped
	p.given.Store(nil)
	if released {
		p.forget()
		return
	}
	runtime.AddCleanup(theirs, forgetChild, p.key)
}

// forgetChild is called when the os.Process of a dropped child is garbage.
func forgetChild(key uint64) {
	if p := live.get(key); p != nil {
		p.mu.Lock()
		defer p.unlock()
		p.forget()
	}
}

// forget has the child reaped once it has ended and nobody else has reaped it. p.mu is
// held.
func (p *child) forget() {
	unreaped, err := p.process.Unreaped(p.started)
	if err == nil && !unreaped {
		p.collected(stolen(p.process, os.ErrProcessDone))
	}
	p.giveUp(forgotten)
}

// reapForgotten reaps a forgotten child that has been a zombie for long enough.
func (p *child) reapForgotten() {
	p.mu.Lock()
	defer p.unlock()
	if p.phase != unwatched {
		return
	}
	unreaped, err := p.process.Unreaped(p.started)
	switch {
	case err != nil: // for want of a descriptor, say
		time.AfterFunc(grace, p.reapForgotten)
	case !unreaped:
		p.collected(stolen(p.process, os.ErrProcessDone))
	case p.ended():
		p.end()
	default:
		p.watch()
	}
}

// giveUp leaves the child to the queue of orphans, unless it is there already or has been
// reaped, and tells everybody who waits for it. p.mu is held.
func (p *child) giveUp(to custody) {
	if p.custody >= forgotten {
		return
	}
	if p.killOnClose {
		p.send(os.Kill)
	}
	if !p.known() {
		p.err = ErrClosed
	}
	p.custody = to
	if p.phase < reaped {
		if to == forgotten {
			p.reportLeak()
		}
		stats.orphaned.Add(1)
		orphans.Push(p)
		if p.execWait != nil && p.phase != blocked {
			p.block()
		}
		p.watch()
	}
	p.tellAll()
	p.dispose()
}

// afterReap has f called once the process is reaped, if f is not nil.
func (p *child) afterReap(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onReaped = f
	p.dispose() // somebody may have waited meanwhile
}

// dispose gives back what is not needed any more. p.mu is held.
func (p *child) dispose() {
	if p.phase < reaped {
		return
	}
	if p.onReaped != nil {
		p.onReaped()
		p.onReaped = nil
	}
	given := p.custody != held
	if given && !p.ticking && p.group != nil {
		p.group.Close()
		p.group = nil
	}
	if given || p.phase == done && p.group == nil {
		live.remove(p)
	}
}
