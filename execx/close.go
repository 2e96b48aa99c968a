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
var orphans orphan.Queue[*child]

// Close gives the process up, unless its result is known. It kills it first if
// c.KillOnClose is set; otherwise the process lives on, and when it ends it is
// reaped in the background. All who wait for the command, now or later, get
// [ErrClosed]. Close does not wait.
//
// A command whose result is known is left alone, and so are its pipes. Only of a group that it
// has led, with c.ProcessGroup, Close kills what is left if c.KillOnClose is set, and gives the
// descriptor back.
//
// Otherwise Close also closes what StdinPipe, StdoutPipe and StderrPipe have
// returned, and stops the copying to and from other readers and writers: a process
// that lives on may find that nobody reads its output. A read from c.Stdin that
// blocks can't be stopped, but nobody waits for it.
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
// them end. What the garbage collector has given up is reaped one to two seconds after its
// end, and not while the program has a pidfd of it.
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
	defer p.unlockAndStop()
	p.killOnClose = c.KillOnClose
	p.giveUpLocked()
	p.closePipesLocked(func(pipe) bool { return true })
	p.pipes = nil
	if p.phase >= reaped && !p.killsGroupLocked() { // else WaitDelay still has something to end
		p.stopTimerLocked()
		p.releaseLocked()
	}
}

// giveUpLocked gives the child up to Close.
func (p *child) giveUpLocked() {
	if p.givenUpLocked() {
		return
	}
	if p.phase < reaped && p.process.Released() { // and is of no use for KillOnClose
		if own, err := p.process.Reopen(p.started); err == nil {
			p.process = own
		}
	}
	p.orphanLocked(closed)
	if p.execWait != nil && p.phase <= watched {
		p.blockLocked()
	}
	if p.phase < reaped {
		p.rewatchLocked()
	}
}

// forgetLocked gives the child up because it is garbage.
func (p *child) forgetLocked() {
	if p.givenUpLocked() {
		return
	}
	if p.phase < reaped {
		p.reportLeakLocked()
	}
	p.orphanLocked(forgotten)
}

// orphanLocked leaves the child to the queue of orphans, unless it has been reaped, and tells
// everybody who waits for it.
func (p *child) orphanLocked(to custody) {
	if !p.knownLocked() {
		p.err = ErrClosed
	}
	p.custody = to
	if p.phase < reaped {
		stats.orphaned.Add(1)
		orphans.Push(p)
	}
	if p.killOnClose { // last: whoever sees that it has ended can wait for its being reaped
		p.sendLocked(os.Kill)
	}
	p.notifyAllLocked()
	p.releaseLocked()
}

// releaseLocked gives back what is not needed any more.
func (p *child) releaseLocked() {
	if p.phase < reaped {
		return
	}
	if p.onReaped != nil {
		p.onReaped()
		p.onReaped = nil
	}
	if p.givenUpLocked() && !p.ticking && p.endings == 0 && p.group != nil {
		p.group.Close()
		p.group = nil
	}
	if p.givenUpLocked() || p.phase == done && p.group == nil {
		live.remove(p)
	}
}
