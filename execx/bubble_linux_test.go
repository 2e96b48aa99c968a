package execx_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// In a bubble, a command works as with os/exec: waiting for it is not durably blocking, so time
// does not advance meanwhile.
func TestInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		before := time.Now()
		timer := time.AfterFunc(time.Hour, func() { t.Error("time went on") })
		out, err := execx.Command("sh", "-c", "sleep 0.01; echo out").Output()
		assert.NoError(t, err)
		assert.Equal(t, "out\n", string(out))
		c := execx.Command("sleep", "0.01")
		require.NoError(t, c.Start())
		assert.NoError(t, <-c.WaitChan(t.Context()))
		assert.Equal(t, before, time.Now())
		timer.Stop()

		c = execx.Command("sleep", "0.01")
		require.NoError(t, c.Start())
		require.NoError(t, c.Close()) // the bubble lasts until the command has ended
	})
	assert.Zero(t, execx.Orphans())
	assert.NoError(t, execx.Command("true").Run(), "and it works outside after that")
}

// waitInBubble starts a bubble that ends when the command that it waits for has been killed, and
// returns once it waits.
func waitInBubble(t *testing.T) (c *execx.Cmd, bubble *sync.WaitGroup) {
	started := make(chan *execx.Cmd)
	bubble = new(sync.WaitGroup)
	bubble.Go(func() {
		synctest.Test(t, func(t *testing.T) {
			c := execx.Command("sleep", "1000")
			require.NoError(t, c.Start())
			started <- c
			assert.EqualError(t, c.Wait(), "signal: killed")
		})
	})
	c = <-started
	proctest.Until(t, func() bool { return execx.Live()[0].Waiters == 1 }, "not waiting")
	return c, bubble
}

// A command outside of a bubble is watched while one in a bubble is waited for.
func TestWatchedInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	c, bubble := waitInBubble(t)
	pid := c.Process.Pid
	func() { require.NoError(t, execx.Command("true").Start()) }()
	proctest.Collect(t, func() bool { return len(proctest.Children()) == 1 }, "not reaped")
	require.NoError(t, c.Process.Release())
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	bubble.Wait()
}

// The timers of a command outside of a bubble use real time, even if only one in a bubble is being
// waited for when it starts.
func TestTimersBesideBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	inside, bubble := waitInBubble(t)
	outside := execx.Command("sh", "-c", "sleep 1000 & echo $! >&2; sleep 0.02")
	outside.WaitDelay = 10 * time.Millisecond
	outside.Stdout = new(bytes.Buffer)
	stderr, err := outside.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, outside.Start())
	pid, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	t.Cleanup(func() {
		killPidIn(t, pid)
		assert.NoError(t, inside.Process.Kill())
		bubble.Wait()
	})
	err, _ = proctest.Receive(t, outside.WaitChan(t.Context()))
	assert.Equal(t, execx.ErrWaitDelay, err)
}

// A process that was started in a bubble, with its fake clock, can be used outside, even if only
// its start time shows that its PID was not reused. With KillOnExit, it does not keep the bubble
// running.
func TestOutlivesBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	start := func() *execx.Cmd {
		c := execx.Command("sleep", "1000")
		c.KillOnExit = true
		assert.NoError(t, c.Start())
		return c
	}
	outside := start()
	outside.WaitChan(t.Context())
	var inside, second *execx.Cmd
	synctest.Test(t, func(t *testing.T) { inside, second = start(), start() })
	result := inside.WaitChan(t.Context())
	for _, c := range []*execx.Cmd{outside, inside, second} {
		assert.NoError(t, c.Kill())
		assert.EqualError(t, c.Wait(), "signal: killed")
	}
	assert.EqualError(t, <-result, "signal: killed")
}

// os/signal, which is outside of the bubble, sends nothing to ReapAdopted.
func TestReapAdoptedInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGCHLD)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, func() {
			assert.NoError(t, exec.Command("sleep", "0.01").Run())
			time.AfterFunc(time.Minute, cancel)
		})
		assert.Equal(t, context.Canceled, execx.ReapAdopted(ctx))
	})
}

// The timer of WaitDelay is that of the bubble, and must not be stopped by the goroutine that
// watches the command outside.
func TestClosedInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	outside := cmdtest.Start(t, "sleep", "1000")
	outside.WaitChan(t.Context())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := execx.CommandContext(ctx, "sleep", "1000")
		c.WaitDelay = time.Hour
		require.NoError(t, c.Start())
		cancel()
		synctest.Wait() // until it was killed
		require.NoError(t, c.Close())
	})
	require.NoError(t, execx.DrainOrphans(t.Context()))
	assert.NoError(t, execx.Command("true").Run(), "in case a timer is still being stopped")
}

// The timers of a command in a bubble use the time of the bubble, even if the goroutine that
// watches the command is outside.
func TestTimersInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	outside := cmdtest.Start(t, "sleep", "1000")
	outside.WaitChan(t.Context())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := execx.CommandContext(ctx, "sleep", "0.05")
		c.Cancel = func() error { return c.Kill() }
		c.WaitDelay = time.Hour
		c.Stdout = new(bytes.Buffer)
		assert.NoError(t, c.Run())
	})
}
