package execx

import (
	"context"
	"os"
	"time"
)

// Signal sends sig to the process, through its pidfd where there are pidfds,
// so that it can never reach another process that was given the same number.
// It does not wait.
//
// It fails with "exec: not started" before Start and with
// [os.ErrProcessDone] once the process has ended. On systems other than Linux, a
// process that has ended but was not yet reaped takes the signal, to no effect, as
// under os/exec.
//
// If c.ProcessGroup is set, sig goes to all processes of the group. See there.
func (c *Cmd) Signal(sig os.Signal) error {
	p := c.startedChild()
	if p == nil {
		return errNotStarted
	}
	return p.signal(sig)
}

// Kill is [Cmd.Signal] with [os.Kill]: it makes the process exit at once, does
// not wait until it has, and fails as Signal does.
func (c *Cmd) Kill() error {
	return c.Signal(os.Kill)
}

// Shutdown ends the command politely: it sends SIGTERM, waits as [Cmd.Wait] does,
// and returns what Wait returns. Once ctx is done it sends SIGKILL and
// goes on waiting. SIGTERM is followed by SIGCONT, lest a stopped process never
// gets it.
//
// If c.ProcessGroup is set, both signals go to the whole group, and Shutdown also
// waits for the processes of the group to end, as long as ctx allows and the kernel can
// tell (Linux 6.9).
//
// If the process, or with c.ProcessGroup its whole group, has ended already, and
// after [Cmd.Close], Shutdown is Wait: it sends nothing. Before Start it fails with
// "exec: not started". It can be called repeatedly, and by several goroutines at once,
// each of which sends its signals.
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
	p.terminate()
	c.WaitContext(ctx) // what it returns, unless ctx is done, Wait will return again
	p.awaitGroup(ctx)
	if ctx.Err() != nil {
		p.kill()
	}
	return c.Wait()
}

// signal is Signal: unlike kill, it fails if the process is known to have ended.
func (p *child) signal(sig os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group == nil {
		if exited, err := p.process.Exited(); err == nil && exited {
			return os.ErrProcessDone
		}
	}
	return p.send(sig)
}

// kill is what Cancel does by default. As under os/exec, a process that has ended
// but was not reaped can be killed.
func (p *child) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.send(os.Kill)
}

// send sends sig to the process or its group. p.mu is held, and so p is not reaped
// meanwhile, unless it is blocked.
func (p *child) send(sig os.Signal) error {
	err := os.ErrProcessDone
	switch {
	case p.group != nil:
		err = p.group.Signal(sig, p.leaderGone())
	case p.phase >= reaped:
	case p.custody == held || p.custody == closed: // os knows what is in its hands
		err = p.process.Signal(sig)
	default:
		var unreaped bool
		if unreaped, err = p.process.Unreaped(p.started); err == nil && !unreaped {
			err = os.ErrProcessDone
		}
		if err == nil {
			err = p.process.Signal(sig)
		}
	}
	if sig == os.Kill && err == nil {
		stats.killed.Add(1)
	}
	return err
}

// leaderGone reports whether the number of the group may be another's by now. p.mu is held.
func (p *child) leaderGone() bool {
	if p.phase >= reaped || !p.group.ByNumber() {
		return p.phase >= reaped
	}
	unreaped, err := p.process.Unreaped(p.started) // somebody else may have reaped it
	return err != nil || !unreaped
}

// awaitGroup blocks until no process of the group is alive, which raises no event, or
// ctx is done. It returns at once if the signals do not go to a group, and when the child
// is given up.
func (p *child) awaitGroup(ctx context.Context) {
	const first, last = time.Millisecond, 50 * time.Millisecond
	for interval := first; p.groupAlive(); interval = min(2*interval, last) {
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return
		}
	}
}

func (p *child) groupAlive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.group != nil && p.custody != closed && p.group.Alive(p.leaderGone())
}

func (p *child) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.custody == closed
}
