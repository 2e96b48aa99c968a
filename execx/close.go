package execx

import (
	"context"
	"os"

	"go.execx.dev/internal/orphan"
	"go.execx.dev/internal/pidfd"
)

// ErrClosed is the result of a command that was closed before its result was known. It wraps
// [os.ErrClosed]. c.ProcessState is nil then.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "exec: command closed" }
func (closedError) Unwrap() error { return os.ErrClosed }

// orphans holds the children that were given up and not reaped.
var orphans orphan.Queue[*child]

// Close gives up the command. If its result is not known yet, Close kills the process if
// c.KillOnClose is set; otherwise the process lives on. Either way it is reaped in the background
// when it ends. All waiting methods, including those already blocked, return [ErrClosed]. Close
// does not block.
//
// If the result is known, Close does not affect the command or its pipes, except that with
// c.ProcessGroup it kills what is left of the group if c.KillOnClose is set, and closes the file
// descriptor of the group.
//
// If the result is not known, Close also closes the pipes returned by StdinPipe, StdoutPipe and
// StderrPipe, and stops the copying to and from other readers and writers, so a process that lives
// on may find that its output is not read any more. A Read of c.Stdin that is blocked can't be
// stopped, but nothing waits for it.
//
// After Close, the context of [CommandContext] still governs the process, and [Cmd.Signal] and
// [Cmd.Kill] still work.
//
// Close always returns nil. It does nothing before Start, and nothing if it was called before, so
// it can always be deferred:
//
//	c := execx.Command(name)
//	defer c.Close()
//
// A Cmd that becomes unreachable without Close, and without a pending wait, is given up by the
// garbage collector once its Process is unreachable, too. In that case copying continues until it
// is complete, and pipes are closed when they become unreachable.
func (c *Cmd) Close() error {
	if p := c.startedChild(); p != nil {
		p.close(c)
	}
	return nil
}

// Orphans returns the number of processes that were given up, by [Cmd.Close] or by the garbage
// collector, and have not been reaped yet.
func Orphans() int {
	return orphans.Len()
}

// DrainOrphans blocks until all processes that were given up have ended and were reaped, or until
// ctx is done. It returns nil or ctx.Err(). It does not end any process. A process that was given
// up by the garbage collector is reaped one to two seconds after its end, and not while the program
// holds another pidfd of it.
func DrainOrphans(ctx context.Context) error {
	return orphans.Drain(safeContext(ctx))
}

// resources are what a child must release. They are guarded by the mutex of the child.
type resources struct {
	killOnClose bool
	group       *pidfd.Group // receives the signals; nil for the process alone
	onReaped    func()       // called once the process is reaped, if not nil
}

// close implements c.Close.
func (p *child) close(c *Cmd) {
	p.mu.Lock()
	defer p.unlockAndStop()
	p.killOnClose = c.KillOnClose
	p.giveUpLocked()
	p.closePipesLocked(func(pipe) bool { return true })
	p.pipes = nil
	if p.phase >= reaped && !p.killsGroupLocked() { // otherwise WaitDelay still has to kill it
		p.stopTimerLocked()
		p.releaseLocked()
	}
}

// giveUpLocked gives the child up because of Close.
func (p *child) giveUpLocked() {
	if p.givenUpLocked() {
		return
	}
	if p.phase < reaped && p.process.Released() { // KillOnClose could not signal it
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

// forgetLocked gives the child up because its Cmd and Process are unreachable.
func (p *child) forgetLocked() {
	if p.givenUpLocked() {
		return
	}
	if p.phase < reaped {
		p.reportLeakLocked()
	}
	p.orphanLocked(forgotten)
}

// orphanLocked makes the child an orphan, unless it was reaped, and notifies all waiters.
func (p *child) orphanLocked(to custody) {
	if !p.knownLocked() {
		p.err = ErrClosed
	}
	p.custody = to
	if p.phase < reaped {
		stats.orphaned.Add(1)
		orphans.Push(p)
	}
	if p.killOnClose { // last, so that DrainOrphans waits for it once its end can be seen
		p.sendLocked(os.Kill)
	}
	p.notifyAllLocked()
	p.releaseLocked()
}

// releaseLocked releases the resources that are not needed any more.
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
