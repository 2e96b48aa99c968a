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
	"go.execx.dev/internal/realtime"
)

// Wait waits for the command to exit and for the copying to stdin and from stdout and stderr to
// complete. It returns what [exec.Cmd.Wait] returns: nil, an [*ExitError], the error of the context
// of [CommandContext] or that of Cancel, [ErrWaitDelay], the error of the copying, or an
// [*os.SyscallError] if another part of the program has reaped the process and its exit status is
// lost. With [Cmd.GracePeriod], an error may be joined with an *ExitError, as by [errors.Join]. If
// [Cmd.Close] was called before the result was known, Wait returns [ErrClosed].
//
// Wait and the other waiting methods can be called any number of times and by any number of
// goroutines at once. Once the result is known, all return the identical error value.
// c.ProcessState is set if the exit status is known, and nil otherwise.
//
// If the command was not started, Wait returns the error "exec: not started". After
// c.Process.Release it returns [syscall.EINVAL], as in os/exec, but Release does not affect a Wait
// that has already begun.
//
// On Linux and Windows, a blocked Wait does not hold a thread after its first milliseconds. See the
// package documentation.
func (c *Cmd) Wait() error {
	if p := c.startedChild(); p != nil {
		p.waitBriefly()
	}
	return c.WaitContext(context.Background())
}

// WaitContext is like [Cmd.Wait], but returns ctx.Err() if ctx is done before the result is known.
// The command is not affected, and can be waited for again. If [Cmd.TryWait] would return the
// result, WaitContext does, even if ctx is done.
func (c *Cmd) WaitContext(ctx context.Context) error {
	ctx = safeContext(ctx)
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	if known, err := p.result(c); known {
		return err
	}
	w := newBlockedWaiter()
	p.addListener(ctx, &waiter{cmd: c, listener: w})
	return w.await()
}

// WaitChan returns a channel that receives what [Cmd.WaitContext] would return and is then closed.
// Only the first receive yields the result; later ones yield nil, even if the command has failed.
// WaitChan does not block. The channel is buffered, so the value need not be received.
//
// On Linux and Windows, waiting holds no goroutine and no thread, but about 250 bytes of memory
// until the command has completed or ctx is done, even if the channel is no longer used. So a loop
// around a select statement should call WaitChan once:
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
// To poll, use [Cmd.TryWait].
//
// WaitChan must not be used in a testing/synctest bubble: a goroutine that receives from the
// channel counts as durably blocked.
func (c *Cmd) WaitChan(ctx context.Context) <-chan error {
	ctx = safeContext(ctx)
	result := make(resultChan, 1)
	if p := c.startedChild(); p != nil {
		p.addListener(ctx, &waiter{cmd: c, listener: result})
	} else {
		result.notify(errNotStarted)
	}
	return result
}

// AfterWait arranges to call f in its own goroutine with what [Cmd.Wait] would return, once that is
// known. If it is already known, AfterWait calls f immediately in its own goroutine. If the command
// was not started, f is called with the error "exec: not started". AfterWait does not block.
//
// Calling the returned stop function stops the association of c with f. It returns true if the call
// stopped f from being run. If stop returns false, either f has been started in its own goroutine,
// or f was already stopped. The stop function does not wait for f to complete before returning.
//
// AfterWait is a waiting method: the process is reaped when it ends. On Linux and Windows, a
// pending AfterWait holds no goroutine and no thread. It keeps c reachable. Like WaitChan, it must
// not be used in a testing/synctest bubble.
func (c *Cmd) AfterWait(f func(err error)) (stop func() bool) {
	p := c.startedChild()
	if p == nil {
		callback(f).notify(errNotStarted)
		return func() bool { return false }
	}
	w := &waiter{cmd: c, listener: callback(f)}
	p.addListener(context.Background(), w)
	return func() bool { return p.stopWaiting(w) }
}

// TryWait reports whether the result of the command is known, and returns it if it is. It never
// blocks. If the command was not started, it returns true and the error "exec: not started".
//
// On Linux and Windows, TryWait reaps the process if it has ended. While output is still being
// copied, it returns false. On other systems, the first call starts a goroutine that waits for the
// process, and TryWait returns true only after that goroutine has reaped it. The same is true of a
// command that os/exec has started with copying, Cancel or WaitDelay, and of a process that was
// started with SysProcAttr.Ptrace and has stopped.
func (c *Cmd) TryWait() (done bool, err error) {
	p := c.startedChild()
	if p == nil {
		return true, errNotStarted
	}
	return p.tryResult(c)
}

// AwaitExit blocks until p has ended or ctx is done. It returns nil if p has ended, and ctx.Err()
// if ctx is done first. It does not reap p: a child must still be waited for. A process that was
// stopped by a signal or a tracer has not ended. If p was waited for, AwaitExit returns nil, and if
// it was released, an error. On Windows, where package os does not tell these apart, it returns an
// error if a running process has the PID of p, and nil otherwise.
//
// p can be any process, not only a child. AwaitExit is safe for concurrent use. While it blocks it
// holds no thread, but a file descriptor (on Windows, handles), and it fails with the error of the
// system call if there is none left. On Linux without pidfds, it works only for children, and for
// other processes fails with an error that wraps [errors.ErrUnsupported], as it always does on
// systems other than Linux and Windows.
func AwaitExit(ctx context.Context, p *os.Process) error {
	ctx = safeContext(ctx)
	process := pidfd.Of(p)
	exited, err := process.Exited()
	if err != nil {
		return awaitError(err)
	}
	if exited {
		return nil
	}

	// Others may reap or release p meanwhile, which closes its pidfd, so a second one is opened. If
	// p has not been reaped by then, its PID was not reused when the pidfd was opened.
	own, err := pidfd.Open(process.Pid)
	if err != nil {
		return awaitError(err)
	}
	defer own.OS.Release()
	if exited, err := process.Exited(); err != nil || exited {
		return awaitError(err)
	}

	if realtime.InBubble() {
		exited, err := awaitExitInBubble(ctx, own)
		if exited || err != nil {
			return awaitError(err)
		}
		return ctx.Err()
	}
	w := newBlockedWaiter()
	done := sync.OnceFunc(func() { w.notify(nil) })
	watch, err := own.AfterExit(done)
	if err != nil {
		return awaitError(err)
	}
	defer watch.Stop()
	defer context.AfterFunc(ctx, done)()
	w.await()
	if exited, _ := own.Exited(); exited {
		return nil
	}
	return ctx.Err()
}

// awaitError returns the error of AwaitExit for err.
func awaitError(err error) error {
	switch {
	case err == nil, errors.Is(err, os.ErrProcessDone):
		return nil
	case errors.Is(err, os.ErrNoHandle):
		err = errors.ErrUnsupported
	}
	return fmt.Errorf("exec: AwaitExit: %w", err)
}

// waitingBriefly is the number of threads that are blocked in waitBriefly.
var waitingBriefly atomic.Int32

// briefly is longer than a tick of the kernel's clock. A timer that expires before the next tick
// must be programmed in hardware, which takes ten microseconds in a virtual machine.
const briefly = 10 * time.Millisecond

// waitBriefly blocks a thread until the process has ended or a short time has passed, unless the
// process is already being waited for. Being woken by the network poller takes two more goroutine
// switches, which is much for a process that lives for a few hundred microseconds.
func (p *child) waitBriefly() {
	p.mu.Lock()
	first := p.waiting == 0 && p.phase <= watched && !p.returnsStopsLocked()
	process := p.process
	p.mu.Unlock()
	if !first {
		return
	}
	// GOMAXPROCS is read each time, since the runtime changes it with the limits of the container.
	if waitingBriefly.Add(1) <= int32(runtime.GOMAXPROCS(0)) {
		process.WaitBriefly(briefly)
	}
	waitingBriefly.Add(-1)
}
