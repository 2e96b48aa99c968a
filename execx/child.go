package execx

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.execx.dev/internal/pidfd"
)

// A child is a process from its start to its result, and the only place that
// decides when it is reaped, exactly once, and what the result is.
//
// Two words say where it stands. Its phase is how far it has come:
//
//	unwatched ⇄ watched → reaped → done
//	unwatched → reaped            // a door finds that it has ended
//	unwatched, watched → blocked → unwatched
//	blocked → reaped              // where only reaping tells the end
//	unwatched → reaping → reaped
//
// It is watched while somebody wants to know of its end: a waiting method, its
// custody, or a Cancel that keeps the Cmd. What was watched and ends is reaped if
// mayReap says so, and otherwise unwatched again: to see an end is not to reap. A
// child that cannot be watched is blocked instead. It is reaping while somebody else does
// that, os/exec for instance, of whom we shall have the status. It is
// reaped from then until its copying and its Cancel have returned. If the program
// replaces the Process of the Cmd, a child that is not blocked or reaped
// is that of the new one, and the one before becomes another child, which is unwatched.
//
// Its custody is who can still ask for it:
//
//	held → closed
//	held → dropped → forgotten
//	held → forgotten              // reaped when the Cmd became garbage
//
// It is closed by Close, dropped when the Cmd is garbage, and forgotten when the
// os.Process is garbage, too, or is of no use to the program. The closed and the
// forgotten that are not reaped are the orphans. The closed are watched, and the
// forgotten are looked at now and then, by unclaimed.
//
// Every method of Cmd that waits is a door to it, and so are Close and the garbage
// collector, its context, its copying goroutines and the timer of WaitDelay. The
// cleanups of the garbage collector find it in live, which holds it until it is reaped and
// its group is of no use any more: it may refer to what they are for. A child that is traced
// leaves live when its Cmd is garbage, and stays held.
type child struct {
	origin
	key    uint64                     // in live
	theirs atomic.Pointer[os.Process] // the Process of the Cmd, to see that it was replaced; nil once dropped

	// execWait is the Wait of the embedded exec.Cmd, which blocks, if that has
	// started goroutines, or has returned; else nil.
	execWait func() (*os.ProcessState, error)

	mu        sync.Mutex // guards everything below; locked before live, orphans and internal/pidfd
	process   pidfd.Process
	alarm     *pidfd.Watch  // if watched
	waiting   int           // how many are to be told the result, which are
	waiters   []*waiter     // those that wait under no context, or one that never ends,
	byContext []*ctxWaiters // and those that do
	deferred  *deferred     // for unlock to do, or nil

	state   *os.ProcessState   // once reaped
	exitErr error              // what the exit status amounts to, once reaped
	copyErr error              // of the first copying that failed
	failure error              // is the result whatever the process does, if not nil
	pipes   []pipe             // open ends in this process
	stderr  *prefixSuffixSaver // where Output captures standard error, or nil
	interruption
	disposal

	err error // the result, once known

	copying int32 // goroutines that still copy
	stdin   stdinCopy
	phase   phase
	custody custody
	cancel  cancel
	traced  bool // its tracer is this program; set from the start
}

// A phase is how far a child has come towards its result.
type phase uint8

const (
	unwatched phase = iota // nobody wants to know of the end, or there is nothing to be told by
	watched                // internal/pidfd will call exited
	blocked                // a goroutine waits for the end, and can't be called back
	reaping                // it has ended, and its number is not its own any more
	reaped                 // but copying, or still busy with the context
	done
)

// A stdinCopy is what the goroutine does that copies from Stdin to the process.
type stdinCopy uint8

const (
	stdinDone      stdinCopy = iota // it has ended, or there is none
	stdinCopying                    // it copies
	stdinAbandoned                  // it does not return from the program's own Read, and is not waited for
)

// A custody is who can still ask for a child.
type custody uint8

const (
	held      custody = iota // the program has the Cmd
	dropped                  // the Cmd is garbage, but the program may have the os.Process
	forgotten                // the program has neither, or at most the number
	closed                   // Close was called before the result was known
)

// newChild returns the child of c's process, however that was started.
func newChild(c *Cmd, process pidfd.Process) *child {
	p := &child{
		process: process,
		traced:  traced(c.SysProcAttr),
		origin:  origin{args: slices.Clone(c.Args), started: time.Now(), stack: c.stack},
		pipes:   c.pipes,
	}
	p.theirs.Store(c.Process)
	p.delay = c.WaitDelay
	p.stderr, _ = c.Stderr.(*prefixSuffixSaver)
	p.killOnClose, p.grace = c.KillOnClose, c.GracePeriod
	if c.ProcessGroup {
		p.group = pidfd.NewGroup(p.process)
	}
	return p
}

// knownLocked reports whether the result is.
func (p *child) knownLocked() bool { return p.phase == done || p.custody == closed }

// mayReapLocked reports whether the process is to be reaped when it ends.
func (p *child) mayReapLocked() bool {
	switch {
	case p.pinnedLocked(true):
		return false
	case p.givenUpLocked():
		return true
	case p.waiting > 0 && !p.pinnedLocked(false):
		return true
	}
	return len(p.earlyWaitersLocked()) > 0
}

// pinnedLocked reports whether the process is to keep its number when it ends, because that is all that
// its group can be named by: while the group is being ended, or may have the output that is
// still copied. That is to be waited for anyway, but not by those who want to know early.
func (p *child) pinnedLocked(early bool) bool {
	outputs := p.copying
	if p.stdin == stdinCopying {
		outputs--
	}
	pinned := p.endings > 0 || outputs > 0 && !early
	return pinned && p.group != nil && p.group.ByPID() && p.group.CanTellAlive()
}

// givenUpLocked reports whether nobody can ask for the child any longer.
func (p *child) givenUpLocked() bool { return p.custody == forgotten || p.custody == closed }

// unpinLocked has the process reaped if there is nothing any more that it was pinned for.
func (p *child) unpinLocked() {
	if p.phase == unwatched && p.mayReapLocked() {
		p.watchLocked()
	}
}

// exitedLocked reports whether the process is known to have ended.
func (p *child) exitedLocked() bool {
	if p.phase >= reaping {
		return true
	}
	exited, err := p.process.Exited()
	return exited && err == nil
}

// copyDone notes the end of a copying goroutine.
func (p *child) copyDone(fromStdin bool, err error) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if fromStdin {
		if p.stdin == stdinAbandoned {
			return
		}
		p.stdin = stdinDone
	}
	p.copying--
	if p.copyErr == nil {
		p.copyErr = err
	}
	p.unpinLocked()
	p.advanceLocked()
}

// closePipesLocked has the pipes closed for which closes says so.
func (p *child) closePipesLocked(closes func(pipe) bool) {
	for _, end := range p.pipes {
		if closes(end) {
			p.addStopLocked(func() bool { return end.Close() == nil })
		}
	}
}
