package execx

import (
	"context"
	"os"

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
var orphans orphan.Queue

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
// given up when the garbage collector finds it. In that case copying goes on until
// its end, and pipes are closed when nobody refers to them any more.
func (c *Cmd) Close() error {
	if p := c.startedChild(); p != nil {
		p.close(c)
	}
	return nil
}

// Orphans returns the number of processes that were given up, by [Cmd.Close] or by
// the garbage collector, and have not ended yet.
func Orphans() int {
	return orphans.Len()
}

// DrainOrphans blocks until all processes that were given up have ended and are
// reaped, or ctx is done. It returns nil or ctx.Err(). It does not make
// them end.
func DrainOrphans(ctx context.Context) error {
	checkContext(ctx)
	return orphans.Drain(ctx)
}

// disposal is the part of a child that is about giving it up, and about what is to
// be given back once it is reaped. It is guarded by the mutex of the child.
type disposal struct {
	killOnClose bool
	givenUp     bool         // by Close or the garbage collector
	group       *pidfd.Group // what signals go to, or nil for the process alone
	onReaped    func()       // nil if there is nothing to do
}

// close is Close of c.
func (p *child) close(c *Cmd) {
	p.mu.Lock()
	defer p.unlock()
	p.killOnClose = c.KillOnClose
	p.giveUp()
	for _, end := range p.pipes {
		end.Close()
	}
	p.pipes = nil
	if p.phase >= reaped && !p.killsGroup() { // else WaitDelay still has something to end
		p.stopTimer()
		p.dispose()
	}
}

// drop is called when the Cmd is garbage.
func (p *child) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known && p.phase < reaped {
		p.reportLeak()
	}
	// Nobody uses the pipes of StdinPipe and its like any more, or somebody does
	// without the Cmd. Either way they are not ours to close.
	p.pipes = copiedPipes(p.pipes)
	p.giveUp()
}

// giveUp leaves the child to the queue of orphans, and tells everybody who waits
// for it. p.mu is held.
func (p *child) giveUp() {
	if p.givenUp {
		return
	}
	if p.killOnClose {
		p.send(os.Kill)
	}
	if p.phase < reaped {
		stats.orphaned.Add(1)
	}
	if p.phase <= watched && !p.quick {
		p.block()
	}
	switch {
	case p.phase <= watched:
		p.leaveAlone()
		p.phase = orphaned
		orphans.Push(p.process, p.reapOrphan, func() {
			stats.fallbackWaits.Add(1)
			p.reapBlocking()
		})
	case p.phase == blocked:
		orphans.Await(func() { <-p.awaited })
	}
	if !p.known {
		p.err = ErrClosed
		p.tellAll()
	}
	p.givenUp = true
	p.dispose()
}

// reapOrphan is called by the queue of orphans once the process has ended.
func (p *child) reapOrphan() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collected(p.reap())
	p.letGoLater()
}

// afterReap has f called once the process is reaped, if f is not nil.
func (p *child) afterReap(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onReaped = f
	p.dispose() // os/exec may have been told to kill it meanwhile
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
	if p.givenUp && !p.ticking && p.group != nil {
		p.group.Close()
		p.group = nil
	}
}
