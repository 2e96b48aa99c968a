package execx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.execx.dev/internal/pidfd"
)

// Wait waits for the command to exit and for the copying to and from it to
// complete. It returns what [exec.Cmd.Wait] would: nil, an [*ExitError], the
// error of the context of [CommandContext], [ErrWaitDelay], or that of copying.
//
// Any number of goroutines can wait, any number of times and by any of the
// waiting methods. All get the same result, the same error value included, and find
// c.ProcessState set, except after [ErrClosed], and if the process was reaped by
// somebody else and nothing tells how it ended. Before Start, Wait fails with "exec: not started", and
// after c.Process.Release with [syscall.EINVAL], as under os/exec; but Release does not
// disturb a Wait that is under way.
//
// On Linux and Windows, waiting holds no thread, except for the first milliseconds of a few
// waits at a time, and on Windows one for every 63. See the package documentation.
func (c *Cmd) Wait() error {
	if p := c.startedChild(); p != nil {
		p.waitBriefly()
	}
	return c.WaitContext(context.Background())
}

// WaitContext is like [Cmd.Wait], but gives up when ctx is done and returns
// ctx.Err(). The command is not affected by that, and can be waited for again.
// If the result is known already, it is returned even if ctx is done.
func (c *Cmd) WaitContext(ctx context.Context) error {
	ctx = safe(ctx)
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	if known, err := p.try(c, (*child).unlockAndStop); known {
		return err
	}
	w := newBlockedWaiter()
	p.addListener(ctx, &waiter{cmd: c, listener: w})
	return w.await()
}

// WaitChan returns at once, with a channel that receives what
// [Cmd.WaitContext] would return, and is then closed. The value is sent whether or
// not anybody receives.
//
// Until then it holds no goroutine and no thread on Linux and Windows, but some memory, also if the channel
// is dropped: about 250 bytes until the command or ctx has ended. A loop that selects again and
// again makes the channel once:
//
//	done := c.WaitChan(ctx)
//	for {
//		select {
//		case err := <-done:
//			return err
//		case <-tick.C:
//			// ...
//		}
//	}
//
// and one that only polls calls [Cmd.TryWait].
//
// WaitChan is not for use in a bubble of testing/synctest, which takes a
// goroutine that receives from the channel for one that nothing outside can wake.
func (c *Cmd) WaitChan(ctx context.Context) <-chan error {
	ctx = safe(ctx)
	result := make(resultChan, 1)
	if p := c.startedChild(); p != nil {
		p.addListener(ctx, &waiter{cmd: c, listener: result})
	} else {
		result.tell(errNotStarted)
	}
	return result
}

// AfterWait arranges for f to be called, in a goroutine of its own, with what [Cmd.Wait] would
// return once that is known: at once, if it is. The stop function that it returns keeps f from
// being called; it reports false if f has been started, or stop was called before. stop does not wait
// for f.
//
// AfterWait is for one goroutine to learn of the end of thousands of commands, which f sends it.
// It waits for the command, which is reaped, and like WaitChan it holds no goroutine until then on Linux and
// Windows, but the Cmd. Like WaitChan it is not for use in a bubble of testing/synctest. Before Start, f
// is called with the error "exec: not started".
func (c *Cmd) AfterWait(f func(err error)) (stop func() bool) {
	p := c.startedChild()
	if p == nil {
		callback(f).tell(errNotStarted)
		return func() bool { return false }
	}
	w := &waiter{cmd: c, listener: callback(f)}
	p.addListener(context.Background(), w)
	return func() bool { return p.stopWaiting(w) }
}

// TryWait reports whether [Cmd.Wait] would return at once, and if so, what. It
// never blocks. Before Start, it reports true with the error "exec: not
// started".
//
// On systems other than Linux and Windows, the first TryWait starts a goroutine to wait for
// the process, and is true only if that has had time to return. So does the first
// after the end of a command that os/exec has started with copying, Cancel or WaitDelay, and
// after the first stop of one that was started with SysProcAttr.Ptrace.
func (c *Cmd) TryWait() (done bool, err error) {
	p := c.startedChild()
	if p == nil {
		return true, errNotStarted
	}
	return p.try(c, (*child).unlockAndStopLater)
}

// AwaitExit waits until p has ended or ctx is done, and returns nil or
// ctx.Err(). It does not reap p: if p is a child, it is still to be waited for. A process
// that a tracer has stopped has not ended.
// It can be called for any process, child or not, and by any number
// of goroutines. Like [Cmd.Wait], it holds no thread.
//
// It takes one descriptor while it waits, and fails with the error of the system
// call if descriptors have run out. Where there are no pidfds it fails with an error
// wrapping [errors.ErrUnsupported], except for a child on Linux. On Windows it takes handles. There a
// p that was released, or waited for, can't be told from one that lives if its number is in use.
func AwaitExit(ctx context.Context, p *os.Process) error {
	ctx = safe(ctx)
	process := pidfd.Of(p)
	exited, err := process.Exited()
	if err != nil {
		return awaitError(err)
	}
	if exited {
		return nil
	}

	// Somebody may reap or release p meanwhile, and take its pidfd away.
	// Another one is ours, once it is sure that p had not been reaped, and its
	// number not reused, when it was opened.
	own, err := pidfd.Open(process.Pid)
	if err != nil {
		return awaitError(err)
	}
	defer own.OS.Release()
	if exited, err := process.Exited(); err != nil || exited {
		return awaitError(err)
	}

	w := newBlockedWaiter()
	told := sync.OnceFunc(func() { w.tell(nil) })
	watch, err := own.AfterExit(told)
	if err != nil {
		return awaitError(err)
	}
	defer watch.Stop()
	defer context.AfterFunc(ctx, told)()
	w.await()
	if exited, _ := own.Exited(); exited {
		return nil
	}
	return ctx.Err()
}

// awaitError returns err as AwaitExit does.
func awaitError(err error) error {
	switch {
	case err == nil, errors.Is(err, os.ErrProcessDone):
		return nil
	case errors.Is(err, os.ErrNoHandle):
		err = errors.ErrUnsupported
	}
	return fmt.Errorf("exec: AwaitExit: %w", err)
}

// waitingBriefly is how many threads are blocked in linger.
var waitingBriefly atomic.Int32

// briefly is longer than a tick of the kernel's clock. A timer that is due before
// the next tick has to be programmed, which costs ten microseconds in a virtual
// machine, and one that is due later is not.
const briefly = 10 * time.Millisecond

// waitBriefly blocks a thread for a short while, until the process has ended, unless
// somebody waits for it already. To be woken by the network poller costs two
// switches of goroutines more, which is much for a process that lives for a few
// hundred microseconds.
func (p *child) waitBriefly() {
	p.mu.Lock()
	first := p.waiting == 0 && p.phase <= watched && !p.returnsStopsLocked()
	process := p.process
	p.mu.Unlock()
	if !first {
		return
	}
	// The runtime changes GOMAXPROCS when a limit of the container does.
	if waitingBriefly.Add(1) <= int32(runtime.GOMAXPROCS(0)) {
		process.WaitBriefly(briefly)
	}
	waitingBriefly.Add(-1)
}
