package execx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/realtime"
)

// Shutdown sends SIGTERM to the process, waits for the command to complete, and returns what
// [Cmd.Wait] returns: for a process that is ended by the signal, an [*ExitError]. If ctx is done
// before the process has ended, Shutdown sends SIGKILL. If ctx is done from the beginning, it sends
// SIGKILL a quarter of a second after SIGTERM. SIGTERM is followed by SIGCONT, so that a stopped
// process can handle it.
//
// If c.ProcessGroup is set, the signals are sent to the whole group, and Shutdown waits for the
// whole group to end. Before Linux 6.9, if /proc is available, the process is not reaped until
// then. Without /proc, and on other Unix systems, the process is reaped as soon as it has ended,
// and the rest of the group is then neither signaled nor waited for.
//
// Once ctx is done, Shutdown returns within bounded time. After SIGKILL, it waits at most
// c.WaitDelay, or a second if that is zero, for output that other processes hold open, and for
// c.Stdout.Write and c.Stderr.Write. It then returns the exit error or, if there is none,
// [ErrWaitDelay], even if Wait is still blocked. If a signal can't be sent, for example because the
// process now runs as another user, Shutdown returns the error of the system call at once. If a
// process is still alive five seconds after SIGKILL, for example because it is blocked in a device
// driver, it returns an error that wraps ErrWaitDelay. Shutdown returns no error merely because ctx
// is done.
//
// If the process, or with c.ProcessGroup its whole group, has already ended, Shutdown sends
// nothing. If [Cmd.Close] was called before the result was known, Shutdown returns [ErrClosed], and
// sends signals only while Cancel is running. If the command was not started, it returns the error
// "exec: not started". Shutdown can be called repeatedly and is safe for concurrent use; each call
// sends its signals.
//
// If Cancel calls Shutdown, Shutdown waits only for the process to end, like any waiting method;
// see [CommandContext]. If Cancel runs for more than a second after the process has ended, a
// Shutdown called elsewhere does not wait for it any longer, and returns the error for the exit
// status.
//
// On Windows, a process can be asked to end only if c.ProcessGroup is set: instead of SIGTERM,
// CTRL_BREAK_EVENT is sent to the processes of its job that share the console of this program. If
// that fails because there is no console, the pipe of StdinPipe is closed, for a process that ends
// at the end of its input. When ctx is done, the job is terminated. Without c.ProcessGroup, and on
// Plan 9, Shutdown kills the process at once.
func (c *Cmd) Shutdown(ctx context.Context) error {
	ctx = safeContext(ctx)
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	isOver := func() bool { return p.isOver(c) }
	if isOver() {
		return c.Wait()
	}
	p.beginEnding()
	err := p.terminate()
	waiting, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	ending, stop := context.WithCancel(ctx)
	defer stop()
	w := newBlockedWaiter()
	w.closed = func() {
		if isOver() {
			stop()
		}
	}
	p.addListener(waiting, &waiter{cmd: c, listener: w}) // so the process is reaped, unless it is pinned
	if err == nil {
		err = p.endRest(ending, isOver)
	}
	p.finishEnding()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		giveUp()
		w.await()
		return err
	}
	defer context.AfterFunc(ctx, func() {
		limit := time.AfterFunc(p.limitOutput(), giveUp)
		context.AfterFunc(waiting, func() { limit.Stop() }) // when Shutdown returns; WaitDelay may be years
	})()
	defer p.afterCancel(giveUp)()
	if err = w.await(); err == context.Canceled && waiting.Err() != nil {
		err = p.outcome(c)
	}
	return err
}

// afterCancel calls giveUp if the process has ended but Cancel, in another goroutine, does not
// return: it may be waiting for the caller. Cancel is given as much time as output is.
func (p *child) afterCancel(giveUp func()) (stop func() bool) {
	var timer *time.Timer
	p.mu.Lock() // the function must not run before timer is set
	defer p.mu.Unlock()
	timer = time.AfterFunc(outputTime, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.awaitsCancelLocked() {
			giveUp()
		} else if !p.knownLocked() {
			timer.Reset(outputTime)
		}
	})
	return timer.Stop
}

// awaitsCancelLocked reports whether the process was reaped and Cancel has not returned.
func (p *child) awaitsCancelLocked() bool { return p.phase == reaped && p.cancel == canceling }

// isOver reports whether Shutdown has nothing to do because the child of c is closed. While the
// context, which still governs the process, ends it by Cancel, Shutdown has.
func (p *child) isOver(c *Cmd) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	governed := p.cancel == canceling || p.execWait != nil && isDone(embeddedContext(&c.Cmd))
	return p.custody == closed && !governed
}

// beginEnding keeps the process or its group reachable by PID until finishEnding is called.
func (p *child) beginEnding() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endings++
	if p.phase < reaping && p.process.Released() { // os would neither signal it nor report its end
		if own, err := p.process.Reopen(p.started); err == nil {
			p.process = own
		}
		p.rewatchLocked()
	}
}

func (p *child) finishEnding() {
	p.mu.Lock()
	defer p.unlockAndStop()
	p.endings--
	p.unpinLocked()
	p.releaseLocked()
}

// outputTime is how long output is waited for after SIGKILL if WaitDelay is zero.
var outputTime = time.Second // changed by tests

// limitOutput limits the time that output is waited for, and returns the time after which the
// result is known, unless Cancel or os/exec delays it.
func (p *child) limitOutput() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.boundOutput = true
	p.startTimerLocked()
	more := 2 * stuckAfter
	if p.execWait == nil && !p.awaitsOutputLocked() {
		more += killTime
	}
	return min(max(0, p.waitDelayLocked()), math.MaxInt64-more) + more
}

// awaitsOutputLocked reports whether only copying delays the result.
func (p *child) awaitsOutputLocked() bool { return p.phase == reaped && p.cancel != canceling }

// outcome returns the result, or what is known of it so far.
func (p *child) outcome(c *Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setProcessStateLocked(c)
	if p.knownLocked() {
		return p.err
	}
	err := cmp.Or(p.failure, p.exitErr, p.copyErr)
	if err == nil && (p.phase != reaped || p.copying > 0) {
		err = ErrWaitDelay
	}
	return err
}

// killTime is how long a process may take to end after SIGKILL.
var killTime = 5 * time.Second // changed by tests

// moment is the time between SIGTERM and SIGKILL if the context is done from the beginning.
const moment = 250 * time.Millisecond

// shutDown asks the process or its group to end, kills what is left when ctx is done, and waits for
// the end. It does not reap, and does not wait for copying. It returns [os.ErrProcessDone] if
// everything had ended before.
func (p *child) shutDown(ctx context.Context) error {
	if err := p.terminate(); err != nil {
		return err
	}
	return p.endRest(ctx, func() bool { return false })
}

// endRest is the part of shutDown after terminate. It returns early if isOver returns true.
func (p *child) endRest(ctx context.Context, isOver func() bool) error {
	var ended bool
	var err error
	if ctx.Err() == nil {
		ended, err = p.awaitEnd(ctx, isOver)
	} else {
		ended, err = p.awaitEndFor(moment, isOver)
	}
	if err != nil || ended {
		return err
	}
	err = p.kill()
	if !p.canTellEnd() { // the caller waits for the result instead
		return nil
	}
	if err != nil && err != os.ErrProcessDone {
		return err
	}
	ended, err = p.awaitEndFor(killTime, isOver)
	if err == nil && !ended {
		err = fmt.Errorf("exec: killed Cmd has not ended: %w", ErrWaitDelay)
	}
	return err
}

// canTellEnd reports whether the end of a process can be seen without reaping it.
func (p *child) canTellEnd() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.process.Exited()
	return !errors.Is(err, errors.ErrUnsupported)
}

func (p *child) awaitEndFor(d time.Duration, isOver func() bool) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return p.awaitEnd(ctx, isOver)
}

// awaitEnd blocks until the process and its group have ended, isOver returns true, or ctx is done.
// It reports whether it was one of the first two. There is no event for the end of a group, which
// is polled. The error is that of signaling the group, if that is not allowed any more.
func (p *child) awaitEnd(ctx context.Context, isOver func() bool) (ended bool, err error) {
	p.mu.Lock()
	process, over := p.process.OS, p.phase >= reaping
	p.mu.Unlock()
	if !over && process != nil {
		AwaitExit(ctx, process) // may be unsupported
	}
	for interval := time.Millisecond; ; interval = min(2*interval, 50*time.Millisecond) {
		// Most groups end soon, and /proc, which tells zombies from others, is slow to scan.
		alive, err := p.alive(interval > 8*time.Millisecond)
		if !alive {
			p.dropGroup()
		}
		if !alive || isOver() {
			return true, nil
		}
		if err != nil || ctx.Err() != nil {
			return false, err
		}
		pause(ctx, max(interval, pidfd.ScanDelay()))
	}
}

// pause blocks for d or until ctx is done. In a testing/synctest bubble it blocks for d of real
// time, since that is what the process needs to end.
func pause(ctx context.Context, d time.Duration) {
	if realtime.InBubble() && pidfd.Pause(d) {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// dropGroup closes a group that has ended. Nothing can join it any more, but it may have zombies.
func (p *child) dropGroup() {
	p.mu.Lock()
	defer p.unlockAndStop()
	p.group.Close()
	p.group = nil
	if p.phase == done {
		p.stopTimerLocked()
	}
	p.unpinLocked()
	p.releaseLocked()
}
