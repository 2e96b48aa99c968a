package execx_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// The context is in effect until the process is reaped, as with os/exec.
func TestContextDoneWhileCopying(t *testing.T) {
	proctest.NoLeaks(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := execx.CommandContext(ctx, "sh", "-c", "sleep 1000 & echo $! >&2")
		c.Cancel = func() error { return errors.New("no way") }
		c.Stdout = new(bytes.Buffer)
		stderr, err := c.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		pid, err := bufio.NewReader(stderr).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, stderr.Close())
		result := c.WaitChan(t.Context())
		proctest.Until(t, func() bool { _, live := info(c); return !live }, "not reaped")
		cancel()
		killPidIn(t, pid)
		err, _ = proctest.Receive(t, result)
		assert.NoError(t, err)
	}
}

// If a waiter gives up, the process, ended by its context, is left to other waiters.
func TestContextDoneWhileWaiterLeaves(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sleep", "1000")
	canceled := make(chan struct{})
	c.Cancel = func() error { close(canceled); return nil }
	require.NoError(t, c.Start())
	cancel()
	proctest.Receive(t, canceled)
	waiting, leave := context.WithCancel(t.Context())
	result := c.WaitChan(waiting)
	leave()
	err, _ := proctest.Receive(t, result)
	assert.ErrorIs(t, err, context.Canceled)
	require.NoError(t, c.Kill())
	proctest.Zombie(t, c.Process.Pid)
	assert.EqualError(t, c.Wait(), proctest.Killed)
}

func TestContextCostsNoGoroutine(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := execx.CommandContext(ctx, "sleep", "1000")
	before := runtime.NumGoroutine()
	require.NoError(t, c.Start())
	assert.LessOrEqual(t, runtime.NumGoroutine(), before)
	require.NoError(t, c.Kill())
	assert.Error(t, c.Wait())
}

// The value of WaitDelay at the time when Cancel returns is used, as with os/exec.
func TestWaitDelaySetAfterStart(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		ctx, cancel := context.WithCancel(t.Context())
		c, r := command(ctx, "sleep", "1000")
		called := make(chan struct{})
		c.Cancel = func() error { close(called); return nil } // the process keeps running
		require.NoError(t, r.Start())
		c.WaitDelay = 10 * time.Millisecond
		cancel()
		proctest.Receive(t, called)
		return r.Wait()
	})
}

// Once Wait has returned, the program may write to the fields, as with os/exec, even if the context
// becomes done at that time. Only the race detector can tell.
func TestFieldsAfterWait(t *testing.T) {
	proctest.NoLeaks(t)
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		c := execx.CommandContext(ctx, "cat")
		stdin, err := c.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		c.AfterWait(func(error) { cancel() })
		result := make(chan error)
		go func() {
			err := c.Wait()
			c.Process, c.Cancel, c.WaitDelay, c.GracePeriod = nil, nil, time.Second, time.Second
			result <- err
		}()
		require.NoError(t, stdin.Close())
		err, _ = proctest.Receive(t, result)
		require.NoError(t, err)
	}
}

// The context of an exec.Cmd made by os/exec is in effect even without Cancel.
func TestEmbeddedContextWithoutCancel(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.Cmd{Cmd: *exec.CommandContext(ctx, "sleep", "1000")}
	c.Cancel = nil
	c.WaitDelay = 10 * time.Millisecond
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	cancel()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, proctest.Killed)
}

func TestNilContext(t *testing.T) {
	proctest.NoLeaks(t)
	var none context.Context
	assert.PanicsWithValue(t, "nil Context", func() { execx.CommandContext(none, "true") })
	c := execx.Command("true")
	for _, when := range []string{"before Start", "ended"} {
		assert.PanicsWithValue(t, "nil Context", func() { c.WaitContext(none) }, when)
		assert.PanicsWithValue(t, "nil Context", func() { c.WaitChan(none) }, when)
		assert.PanicsWithValue(t, "nil Context", func() { c.Shutdown(none) }, when)
		c.Run()
	}
	assert.PanicsWithValue(t, "nil Context", func() { execx.AwaitExit(none, c.Process) })
	assert.PanicsWithValue(t, "nil Context", func() { execx.DrainOrphans(none) })
}

// A foreignContext is not recognized by package context as one of its own.
type foreignContext struct{ context.Context }

func (foreignContext) Value(any) any { return nil }

// bound returns the number of goroutines that wait for a foreignContext.
func bound() int {
	return bytes.Count(stacks(), []byte("created by context.(*cancelCtx).propagateCancel"))
}

// stacks returns the stacks of all goroutines.
func stacks() []byte {
	for size := 1 << 16; ; size *= 2 {
		all := make([]byte, size)
		if n := runtime.Stack(all, true); n < size {
			return all[:n]
		}
	}
}

// A long-lived context keeps no reference to commands that have ended.
func TestContextsAreReleased(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	foreign := foreignContext{ctx}
	c := execx.CommandContext(foreign, "sleep", "1000")
	require.NoError(t, c.Start())
	assert.Equal(t, 1, bound())
	results := []<-chan error{c.WaitChan(foreign), c.WaitChan(foreign)}
	assert.Equal(t, 3, bound())
	require.NoError(t, c.Kill())
	for _, result := range results {
		proctest.Receive(t, result)
	}
	proctest.Until(t, func() bool { return bound() == 0 }, "not let go")
}

// That holds for every way in which the end of the command is noticed.
func TestContextIsReleased(t *testing.T) {
	for _, tt := range []struct {
		by  string
		end func(c *execx.Cmd)
	}{
		{"Wait", func(c *execx.Cmd) {
			c.Kill()
			c.Wait()
		}},
		{"Wait, blocked", func(c *execx.Cmd) {
			returned := c.WaitChan(t.Context())
			waited := make(chan error, 1)
			go func() { waited <- c.Wait() }()
			proctest.Until(t, func() bool { return execx.Live()[0].Waiters == 2 }, "not blocked")
			c.Kill()
			proctest.Receive(t, waited)
			proctest.Receive(t, returned)
		}},
		{"TryWait", func(c *execx.Cmd) {
			c.Kill()
			proctest.Until(t, func() bool { done, _ := c.TryWait(); return done }, "not done")
		}},
		{"nobody", func(c *execx.Cmd) {
			c.Close()
			c.Kill()
		}},
	} {
		t.Run(tt.by, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := execx.CommandContext(foreignContext{t.Context()}, "sleep", "1000")
			require.NoError(t, c.Start())
			assert.Equal(t, 1, bound())
			tt.end(c)
			proctest.Until(t, func() bool { return bound() == 0 }, "not let go")
		})
	}
}
