package execx_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
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

// undelivered asserts that the result is not known yet.
func undelivered(t *testing.T, c *execx.Cmd, result <-chan error) {
	t.Helper()
	done, err := c.TryWait()
	assert.False(t, done)
	assert.NoError(t, err)
	select {
	case err := <-result:
		assert.Fail(t, "delivered early", "%v", err)
	default:
	}
}

// A process that is stopped and continued has not ended, although SIGCHLD is sent.
func TestStoppedAndContinued(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	result := c.WaitChan(t.Context())
	for range 10 {
		require.NoError(t, c.Signal(syscall.SIGSTOP))
		proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 'T' }, "not stopped")
		undelivered(t, c, result)
		require.NoError(t, c.Signal(syscall.SIGCONT))
		proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 'S' }, "not continued")
		undelivered(t, c, result)
	}
	require.NoError(t, c.Kill())
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
}

// A process that executes several programs ends with the last one.
func TestChildExecs(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "exec sh -c 'echo one; exec sh -c \"echo two; exec cat\"'")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	defer stdout.Close()
	result := c.WaitChan(t.Context())
	for got := 0; got < len("one\ntwo\n"); {
		n, err := stdout.Read(make([]byte, 8))
		require.NoError(t, err)
		got += n
	}
	undelivered(t, c, result)
	stdin.Close()
	err, _ = proctest.Receive(t, result)
	assert.NoError(t, err)
}

// A process whose first thread has ended looks like a zombie until the last thread ends.
func TestFirstThreadEndsFirst(t *testing.T) {
	proctest.NoLeaks(t)
	p, end := proctest.Leaderless(t, nil)
	c := &execx.Cmd{Cmd: exec.Cmd{Process: p}}
	result := c.WaitChan(t.Context())
	undelivered(t, c, result)
	end()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 7")
	_, more := proctest.Receive(t, result)
	assert.False(t, more)
}

// A child inherits its three standard descriptors and no others, although this process has
// descriptors of all kinds.
func TestChildInheritsNothing(t *testing.T) {
	proctest.NoLeaks(t)
	group := execx.Command("cat")
	group.ProcessGroup = true // opens a descriptor of its own
	group.Stdout = new(bytes.Buffer)
	stdin, err := group.StdinPipe()
	require.NoError(t, err)
	stderr, err := group.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, group.Start())
	defer group.Close()
	defer stderr.Close()
	result := group.WaitChan(t.Context()) // creates the epoll set

	for _, inherit := range []bool{false, true} {
		c := execx.Command("sh", "-c", "ls /proc/$$/fd")
		want := "0\n1\n2\n"
		if inherit {
			c.ExtraFiles = []*os.File{os.Stdin}
			want += "3\n"
		}
		c.Stdin = strings.NewReader("in")
		out, err := c.Output()
		require.NoError(t, err)
		got := slices.Collect(strings.Lines(string(out)))
		assert.Subset(t, got, slices.Collect(strings.Lines(want)))
		// Descriptors that this process has inherited without close-on-exec don't count.
		plain, err := exec.Command("sh", "-c", "ls /proc/$$/fd").Output()
		require.NoError(t, err)
		if string(plain) == "0\n1\n2\n" {
			assert.Equal(t, want, string(out))
		}
	}
	stdin.Close()
	err, _ = proctest.Receive(t, result)
	assert.NoError(t, err)
}

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

// A command outside of a bubble is watched while one in a bubble is waited for.
func TestWatchedInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	started := make(chan *execx.Cmd)
	var bubble sync.WaitGroup
	bubble.Go(func() {
		synctest.Test(t, func(t *testing.T) {
			c := execx.Command("sleep", "1000")
			require.NoError(t, c.Start())
			started <- c
			assert.EqualError(t, c.Wait(), "signal: killed")
		})
	})
	c := <-started
	pid := c.Process.Pid
	proctest.Until(t, func() bool { return execx.Live()[0].Waiters == 1 }, "not waiting")
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
	inside := make(chan *execx.Cmd)
	var bubble sync.WaitGroup
	bubble.Go(func() {
		synctest.Test(t, func(t *testing.T) {
			c := execx.Command("sleep", "1000")
			require.NoError(t, c.Start())
			inside <- c
			assert.EqualError(t, c.Wait(), "signal: killed")
		})
	})
	c := <-inside
	proctest.Until(t, func() bool { return execx.Live()[0].Waiters == 1 }, "not waiting")
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
		assert.NoError(t, c.Process.Kill())
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
