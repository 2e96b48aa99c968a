package execx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
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
// process is not reaped before that; on Unix systems other than Linux it is, and the rest of
// the group then not reached any more.
//
// Shutdown takes a bounded time: once ctx is done and SIGKILL sent, it waits for output that
// others may still have open for c.WaitDelay, or for a second if that is zero, and then returns the exit
// error, or if there is none [ErrWaitDelay]. If a signal can't be sent, because the process has
// become that of another user for instance, Shutdown returns that error at once. If something
// is still alive five seconds after SIGKILL, as it can be while the kernel waits for a device, it
// returns an error that wraps ErrWaitDelay.
//
// If the process, or with c.ProcessGroup its whole group, has ended already, Shutdown sends
// nothing, and after [Cmd.Close] only while Cancel runs. Before Start it fails with
// "exec: not started". It can be called repeatedly, and by several goroutines at once,
// each of which sends its signals.
//
// Cancel can call Shutdown. Like any method that Cancel calls and that waits for the
// command, it then does not wait for the result, which waits for Cancel, but for the process to
// end. See [CommandContext]. If Cancel runs for more than a second after the end of the process,
// any Shutdown returns without it.
//
// On Windows only a process with c.ProcessGroup can be asked to end: instead of SIGTERM,
// CTRL_BREAK_EVENT is sent to all in its job that share the console of this program. Where there is no
// console it can't be sent: then what StdinPipe has returned is closed, for a process that ends
// when its input does, and Shutdown waits all the same. Once ctx is done, what is left is terminated.
// Without c.ProcessGroup, and on Plan 9, Shutdown kills at once.
func (c *Cmd) Shutdown(ctx context.Context) error {
	ctx = safe(ctx)
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
	p.addListener(waiting, &waiter{cmd: c, listener: w}) // and so the process is reaped, unless it is pinned
	if err == nil {
		err = p.endRest(ending, isOver)
	}
	p.finishEnding()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		giveUp()
		w.await()
		return err
	}
	defer context.AfterFunc(ctx, func() { time.AfterFunc(p.hurry(), giveUp) })()
	defer p.afterCancel(giveUp)()
	if err = w.await(); err == context.Canceled && waiting.Err() != nil {
		err = p.outcome(c)
	}
	return err
}

// afterCancel calls giveUp once the process has ended, but not Cancel, which may wait for the
// caller, in another goroutine. Cancel is given the time that output is.
func (p *child) afterCancel(giveUp func()) (stop func() bool) {
	var timer *time.Timer
	p.mu.Lock() // until timer is set
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

// awaitsCancelLocked reports whether the result waits for Cancel, and not for the process.
func (p *child) awaitsCancelLocked() bool { return p.phase == reaped && p.cancel == canceling }

// isOver reports whether the child of c is closed, and its context, which still governs it,
// is not about to end it.
func (p *child) isOver(c *Cmd) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	governed := p.cancel == canceling || p.execWait != nil && hasEnded(embeddedContext(&c.Cmd))
	return p.custody == closed && !governed
}

// beginEnding keeps what the group is named by until finishEnding.
func (p *child) beginEnding() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endings++
	if p.phase < reaping && p.process.Released() { // os will not send signals, nor tell of its end
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

// outputTime is how long output is waited for after a SIGKILL, if WaitDelay does not say.
var outputTime = time.Second // changed by tests

// hurry has output waited for no longer than that, and returns in what time the result
// is known for sure, unless Cancel or os/exec is in the way.
func (p *child) hurry() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hurried = true
	p.startTimerLocked()
	known := max(0, p.waitDelayLocked()) + 2*stuckAfter
	if p.execWait == nil && !p.awaitsOutputLocked() {
		known += killTime
	}
	return known
}

// awaitsOutputLocked reports whether nothing is missing for the result but the end of copying.
func (p *child) awaitsOutputLocked() bool { return p.phase == reaped && p.cancel != canceling }

// outcome returns what is known of the result, which may not have come.
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

// killTime is how long a process may take to end after a SIGKILL.
var killTime = 5 * time.Second // changed by tests

// moment is what a process gets between SIGTERM and SIGKILL if the context is done from the
// beginning.
const moment = 250 * time.Millisecond

// shutDown asks the process, or its group, to end, kills what is left once ctx is done, and
// waits for the end, but not for that of the command: it does not reap. The error is
// [os.ErrProcessDone] if there was nothing to end.
func (p *child) shutDown(ctx context.Context) error {
	if err := p.terminate(); err != nil {
		return err
	}
	return p.endRest(ctx, func() bool { return false })
}

// endRest is shutDown after the process, or its group, was asked to end. It stops if isOver.
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
	if !p.tellsEnd() { // and who waits will know
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

// tellsEnd reports whether the end of a process can be seen without reaping it.
func (p *child) tellsEnd() bool {
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

// awaitEnd blocks until the process, and all of its group, has ended, and reports whether
// that is so or isOver, or until ctx is done. The end of a group raises no event. The error is
// that of signals, if no longer any can be sent.
func (p *child) awaitEnd(ctx context.Context, isOver func() bool) (ended bool, err error) {
	p.mu.Lock()
	process, over := p.process.OS, p.phase >= reaping
	p.mu.Unlock()
	if !over && process != nil {
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
		pause(ctx, max(interval, pidfd.ScanDelay()))
	}
}

// pause blocks for d, or until ctx is done. In a bubble of testing/synctest the time that passes is
// real: so is that which a process takes to end.
func pause(ctx context.Context, d time.Duration) {
	if inTest() && pidfd.Pause(d) {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// dropGroup forgets a group that has ended: nothing will join it, but zombies of it may stay.
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
