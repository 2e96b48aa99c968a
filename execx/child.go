package execx

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/realtime"
)

// A child is the state of a process from its start until the result of its command is known. It
// decides when the process is reaped, exactly once, and what the result is. The methods of Cmd, the
// garbage collector, the context, the copying goroutines and the timer of WaitDelay only change
// that state.
//
// The state has two parts. The phase is how far the process has come:
//
//	unwatched → watched     watchLocked: something depends on the end of the process
//	watched → unwatched     unwatchLocked: nothing does any more; onExit: it has ended
//	unwatched → reaped      collectLocked, or another part of the program has reaped it
//	unwatched → reaping     collectLaterLocked: another goroutine gets the exit status
//	unwatched → blocked     blockLocked: the process can't be watched, and a goroutine blocks
//	blocked → unwatched     that goroutine has seen the end, or only a stop after Close
//	blocked → reaped        that goroutine has reaped the process
//	reaping → reaped        finishCollect
//	reaped → done           advanceLocked: copying and Cancel have returned
//
// A process that ends is reaped only if mayReapLocked returns true. If the program replaces
// c.Process while the child is unwatched or watched, the child takes over the new process, and
// another child the old one.
//
// The custody is who can still refer to the child:
//
//	held → closed           close
//	held → dropped          drop: the Cmd became unreachable
//	dropped → forgotten     the os.Process became unreachable as well
//	held → forgotten        drop: the process was reaped, or released by the program
//
// A child that is closed or forgotten, and not reaped, is an orphan. The closed ones are watched;
// the forgotten ones are scanned by unreachableChildren.
//
// The registry live refers to a child until it is reaped and its group is no longer needed, so that
// the cleanups of the garbage collector find it by its key: they must not refer to the child, which
// may refer to the Cmd. A traced child is removed from live when its Cmd becomes unreachable, and
// stays held.
type child struct {
	origin
	key        uint64                     // in live
	cmdProcess atomic.Pointer[os.Process] // c.Process, to notice that it was replaced; nil once dropped

	// execWait calls c.Cmd.Wait if os/exec has started the process and needs that to end its
	// goroutines. Otherwise it is nil.
	execWait func() (*os.ProcessState, error)

	// mu guards everything below. It is locked before the locks of live, orphans and
	// internal/pidfd. See notify.go for how to unlock it.
	mu sync.Mutex

	process   pidfd.Process
	watch     *pidfd.Watch  // if watched
	waiting   int           // number of waiters
	waiters   []*waiter     // those without a context, or with one that is never done
	byContext []*ctxWaiters // the others
	deferred  *deferred     // calls to make after unlocking, or nil

	state   *os.ProcessState   // once reaped
	exitErr error              // the error for state, once reaped
	copyErr error              // the first error of copying
	failure error              // the result, no matter how the process ends, if not nil
	pipes   []pipe             // open ends in this process
	stderr  *prefixSuffixSaver // of Output, or nil
	interruption
	resources

	err error // the result, once known

	copying int32 // number of goroutines that copy
	stdin   stdinCopy
	phase   phase
	custody custody
	cancel  cancel
	traced  bool // this program is the tracer of the process
}

// A phase is how far a process has come.
type phase uint8

const (
	unwatched phase = iota // nothing depends on its end, or its end can't be watched
	watched                // internal/pidfd will call onExit
	blocked                // a goroutine blocks until it has ended
	reaping                // it has ended, its PID may be reused, and its exit status is being read
	reaped                 // but copying or Cancel has not returned
	done                   // the result is known
)

// A stdinCopy is the state of the goroutine that copies from Stdin to the process.
type stdinCopy uint8

const (
	stdinDone      stdinCopy = iota // it has returned, or there is none
	stdinCopying                    // it copies
	stdinAbandoned                  // it is blocked in the program's own Read, and not waited for
)

// A custody is who can still refer to a child.
type custody uint8

const (
	held      custody = iota // the program has the Cmd
	dropped                  // the Cmd is unreachable; the program may have the os.Process
	forgotten                // both are unreachable; the program may have the PID
	closed                   // Close was called before the result was known
)

// newChild returns the child of c's process, however that was started.
func newChild(c *Cmd, process pidfd.Process) *child {
	p := &child{
		process: process,
		traced:  traced(c.SysProcAttr),
		origin:  origin{args: slices.Clone(c.Args), started: realtime.Now(), stack: c.stack},
		pipes:   c.pipes,
	}
	p.cmdProcess.Store(c.Process)
	p.delay = c.WaitDelay
	p.stderr, _ = c.Stderr.(*prefixSuffixSaver)
	p.killOnClose, p.grace = c.KillOnClose, c.GracePeriod
	if c.ProcessGroup {
		p.group = pidfd.NewGroup(p.process)
	}
	return p
}

// knownLocked reports whether the result is known.
func (p *child) knownLocked() bool { return p.phase == done || p.custody == closed }

// mayReapLocked reports whether the process may be reaped when it has ended.
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

// pinnedLocked reports whether the process must remain a zombie when it has ended, because its PID
// is all that its group can be named by, and the group is being shut down or may hold open the
// output that is still copied. Waiters that are early don't wait for the output.
func (p *child) pinnedLocked(early bool) bool {
	outputs := p.copying
	if p.stdin == stdinCopying {
		outputs--
	}
	pinned := p.endings > 0 || outputs > 0 && !early
	return pinned && p.group != nil && p.group.ByPID() && p.group.CanTellAlive()
}

// givenUpLocked reports whether no method of Cmd can return the result any more.
func (p *child) givenUpLocked() bool { return p.custody == forgotten || p.custody == closed }

// unpinLocked watches, and so reaps, the process if it was pinned and no longer is.
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

// copyDone is called at the end of a copying goroutine.
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

// closePipesLocked closes the pipes for which closes returns true.
func (p *child) closePipesLocked(closes func(pipe) bool) {
	for _, end := range p.pipes {
		if closes(end) {
			p.addStopLocked(func() bool { return end.Close() == nil })
		}
	}
}
