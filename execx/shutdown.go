package execx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"time"

	"go.execx.dev/internal/pidfd"
)

// Shutdown ends the command politely, as http.Server.Shutdown ends a server: it sends SIGTERM,
// waits for the process to end, and returns what [Cmd.Wait] returns. Once ctx is done it sends
// SIGKILL to what is left. SIGTERM is followed by SIGCONT, lest a stopped process never gets it.
// If ctx is done from the beginning, SIGTERM is given a quarter of a second all the same.
//
// If c.ProcessGroup is set, both signals go to the whole group, and Shutdown also waits for all
// of the group to end. Where a group is known by its number alone, as before Linux 6.9, the
// process is not reaped before that.
//
// Shutdown takes a bounded time: once ctx is done and SIGKILL sent, it waits for output that
// others may still have open for c.WaitDelay, or for a second if that is zero, and then returns the exit
// error, or if there is none [ErrWaitDelay]. If a signal can't be sent, because the process has
// become that of another user for instance, Shutdown returns that error at once. If something
// is still alive five seconds after SIGKILL, as it can be while the kernel waits for a device, it
// returns an error that wraps ErrWaitDelay.
//
// If the process, or with c.ProcessGroup its whole group, has ended already, and
// after [Cmd.Close], Shutdown sends nothing. Before Start it fails with
// "exec: not started". It can be called repeatedly, and by several goroutines at once,
// each of which sends its signals.
//
// Cancel can call Shutdown. Like any method that Cancel calls and that waits for the
// command, it then does not wait for the result, which waits for Cancel, but for the process to
// end, and returns what that has returned.
//
// Where there is no SIGTERM, Shutdown kills at once.
func (c *Cmd) Shutdown(ctx context.Context) error {
	ctx = safe(ctx)
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	if p.isClosed() {
		return c.Wait()
	}
	p.beginEnding()
	waiting, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	ending, closed := context.WithCancel(ctx)
	defer closed()
	w := newWaiter(c)
	w.closed = closed
	p.join(waiting, w) // and so the process is reaped, unless it is pinned
	err := p.shutDown(ending, p.isClosed)
	p.finishEnding()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		giveUp()
		w.await()
		return err
	}
	defer context.AfterFunc(ctx, func() { time.AfterFunc(p.hurry(), giveUp) })()
	defer time.AfterFunc(outputTime, func() {
		if p.awaitsCancel() { // which may wait for this very call, in another goroutine
			giveUp()
		}
	}).Stop()
	if err = w.await(); err == context.Canceled && waiting.Err() != nil {
		err = p.outcome(c)
	}
	return err
}

func (p *child) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.custody == closed
}

// beginEnding keeps what the group is named by until finishEnding.
func (p *child) beginEnding() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endings++
}

func (p *child) finishEnding() {
	p.mu.Lock()
	defer p.unlock()
	p.endings--
	p.unpin()
	p.dispose()
}

// outputTime is how long output is waited for after a SIGKILL, if WaitDelay does not say.
var outputTime = time.Second // changed by tests

// hurry has output waited for no longer than that, and returns in what time the result
// is known for sure, unless Cancel or os/exec is in the way.
func (p *child) hurry() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killDelay = outputTime
	p.startTimer()
	known := max(0, cmp.Or(p.delay, p.killDelay))
	if p.execWait == nil {
		known += killTime
	}
	return known
}

// awaitsCancel reports whether nothing is missing for the result but the end of Cancel.
func (p *child) awaitsCancel() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase == reaped && p.copying == 0
}

// outcome returns what is known of the result, which has not come.
func (p *child) outcome(c *Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record(c)
	return cmp.Or(p.failure, p.exitErr, ErrWaitDelay)
}

// killTime is how long a process may take to end after a SIGKILL.
const killTime = 5 * time.Second

// moment is what a process gets at least between SIGTERM and SIGKILL.
const moment = 250 * time.Millisecond

// shutDown asks the process, or its group, to end, kills what is left once ctx is done, and
// waits for the end, but not for that of the command: it does not reap. It stops if isOver. The
// error is [os.ErrProcessDone] if there was nothing to end.
func (p *child) shutDown(ctx context.Context, isOver func() bool) error {
	asked := time.Now()
	if err := p.terminate(); err != nil {
		return err
	}
	ended, err := p.awaitEnd(ctx, isOver)
	if left := moment - time.Since(asked); err == nil && !ended && left > 0 {
		ended, err = p.awaitEndFor(left, isOver)
	}
	if err != nil || ended {
		return err
	}
	if err := p.kill(); err != nil && err != os.ErrProcessDone {
		return err
	}
	ended, err = p.awaitEndFor(killTime, isOver)
	if err == nil && !ended {
		err = fmt.Errorf("exec: killed Cmd has not ended: %w", ErrWaitDelay)
	}
	return err
}

func (p *child) awaitEndFor(d time.Duration, isOver func() bool) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return p.awaitEnd(ctx, isOver)
}

// awaitEnd blocks until the process, and all of its group, has ended, and reports whether
// that is so or isOver, or until ctx is done. The end of a group raises no event. The error is
// that of signals, if no longer any can be sent.
func (p *child) awaitEnd(ctx context.Context, isOver func() bool) (ended bool, err error) {
	p.mu.Lock()
	process, over := p.process.OS, p.phase >= reaping
	p.mu.Unlock()
	if !over {
		AwaitExit(ctx, process) // if it can
	}
	for interval := time.Millisecond; ; interval = min(2*interval, 50*time.Millisecond) {
		// At first most groups end, and have no zombies to look for.
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
		select {
		case <-time.After(max(interval, pidfd.Rest())):
		case <-ctx.Done():
		}
	}
}

// dropGroup forgets a group that has ended: nothing will join it, but zombies of it may stay.
func (p *child) dropGroup() {
	p.mu.Lock()
	defer p.unlock()
	p.group.Close()
	p.group = nil
	if p.phase == done {
		p.stopTimer()
	}
	p.unpin()
	p.dispose()
}

// inCancel reports whether it was Cancel that has called the caller.
func inCancel() bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Function == cancelCaller || frame.Function == execCancelCaller {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// The functions that call Cancel: ours, and that of os/exec.
var cancelCaller = runtime.FuncForPC(reflect.ValueOf(callCancel).Pointer()).Name()

const execCancelCaller = "os/exec.(*Cmd).watchCtx"
