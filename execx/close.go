package execx

import (
	"context"
	"os"

	"go.execx.dev/internal/orphan"
	"go.execx.dev/internal/pidfd"
)

// ErrClosed is returned by the waiting methods of a command that was closed before its result was
// known. It wraps [os.ErrClosed]. ProcessState is nil in that case.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "exec: command closed" }
func (closedError) Unwrap() error { return os.ErrClosed }

// orphans holds the children that were given up and not reaped.
var orphans orphan.Queue[*child]

// Close releases a command that the program does not want to wait for. It does not block, and
// always returns nil.
//
// If the result of the command is not known, Close gives up the command: the process is killed if
// c.KillOnClose is set, and continues to run otherwise. In both cases it is reaped in the
// background when it has ended. All waiting methods, including those that are blocked, return
// [ErrClosed]. Close also closes the pipes returned by StdinPipe, StdoutPipe and StderrPipe, and
// this program's ends of the pipes that are copied. A process that continues to run may therefore
// read EOF, and receive SIGPIPE when it writes output. Close does not wait for the goroutines that
// copy, which may still be calling c.Stdin.Read, c.Stdout.Write or c.Stderr.Write.
//
// If the result is known, Close leaves the pipes as they are. With c.ProcessGroup, it still kills
// the rest of the group if c.KillOnClose is set, and closes the file descriptor of the group.
//
// After Close, [Cmd.Signal], [Cmd.Kill] and the context of [CommandContext] still have their effect
// until the process has been reaped.
//
// Close does nothing if the command was not started or is already closed, so it can be deferred as
// soon as the command exists:
//
//	c := execx.Command(name)
//	defer c.Close()
//
// If a Cmd becomes unreachable without Close, and without a pending wait, and its Process does,
// too, the garbage collector gives up the command. In that case copying continues until it is
// complete, and pipes are closed when they become unreachable.
func (c *Cmd) Close() error {
	if p := c.startedChild(); p != nil {
		p.close(c)
	}
	return nil
}

// Orphans returns the number of processes that have not been reaped yet and whose command was given
// up, by [Cmd.Close] or by the garbage collector when it became unreachable. It is safe for
// concurrent use. Their parent, this program, is alive; for processes whose parent has ended, see
// [ReapAdopted].
func Orphans() int {
	return orphans.Len()
}

// DrainOrphans blocks until [Orphans] would return zero, or until ctx is done. It returns nil or
// ctx.Err(). It does not end any process. A process that was given up by the garbage collector is
// reaped one to two seconds after its end, and not while the program holds another pidfd for it. It
// is safe for concurrent use.
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
