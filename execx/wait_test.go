package execx_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func TestNotStarted(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	assert.EqualError(t, c.Wait(), "exec: not started")
	assert.EqualError(t, c.WaitContext(t.Context()), "exec: not started")
	result := c.WaitChan(t.Context())
	assert.EqualError(t, <-result, "exec: not started")
	_, ok := <-result
	assert.False(t, ok)
	done, err := c.TryWait()
	assert.True(t, done)
	assert.EqualError(t, err, "exec: not started")
	assert.NoError(t, c.Run(), "asking too early spoils nothing")
}

func TestWaitContext(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, c.WaitContext(ctx), context.DeadlineExceeded)
	assert.ErrorIs(t, c.WaitContext(ctx), context.DeadlineExceeded)
	assert.Nil(t, c.ProcessState)

	require.NoError(t, c.Kill(), "the child is not affected")
	assert.EqualError(t, c.WaitContext(t.Context()), proctest.Killed)
	assert.EqualError(t, c.WaitContext(ctx), proctest.Killed, "a result is better than a context that is done")
}

// If the context ends while many are waiting, each gets exactly one result.
func TestWaitChanCancelRacesWithExit(t *testing.T) {
	proctest.NoLeaks(t)
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		c := cmdtest.Start(t, "true")
		var results []<-chan error
		for range 10 {
			results = append(results, c.WaitChan(ctx))
		}
		cancel()
		for _, result := range results {
			err, ok := proctest.Receive(t, result)
			assert.True(t, ok)
			assert.True(t, err == nil || errors.Is(err, context.Canceled), "%v", err)
			_, ok = proctest.Receive(t, result)
			assert.False(t, ok)
		}
		assert.NoError(t, c.Wait())
	}
}

func TestWaitChanCostsNoGoroutine(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := cmdtest.Start(t, "sleep", "1000")
	result := c.WaitChan(t.Context())
	before := runtime.NumGoroutine()
	for range 100 {
		c.WaitChan(ctx)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before)
	require.NoError(t, c.Kill())
	proctest.Receive(t, result)
}

func TestTryWait(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	done, err := c.TryWait()
	assert.False(t, done)
	assert.NoError(t, err)
	require.NoError(t, c.Kill())
	proctest.Zombie(t, c.Process.Pid)
	done, err = c.TryWait()
	assert.True(t, done)
	assert.EqualError(t, err, proctest.Killed)
	assert.NotNil(t, c.ProcessState)
	assert.Equal(t, err, c.Wait())
}

func TestLazy(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "true")
	proctest.Zombie(t, c.Process.Pid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	other := cmdtest.Start(t, "sleep", "1000")
	assert.ErrorIs(t, other.WaitContext(ctx), context.Canceled)
	require.NoError(t, other.Kill())
	proctest.Zombie(t, other.Process.Pid)
	assert.Len(t, execx.Live(), 2, "nobody asks for the end any longer")
	assert.NoError(t, c.Wait())
}

func TestAwaitExit(t *testing.T) {
	proctest.NeedsWatch(t)
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, execx.AwaitExit(canceled, c.Process), context.Canceled)

	results := make(chan error, 3)
	go func() { results <- execx.AwaitExit(t.Context(), c.Process) }()
	go func() { results <- execx.AwaitExit(t.Context(), c.Process) }()
	go func() { results <- c.Wait() }()
	require.NoError(t, c.Kill())
	var killed int
	for range 3 {
		if err, _ := proctest.Receive(t, results); err != nil {
			assert.EqualError(t, err, proctest.Killed)
			killed++
		}
	}
	assert.Equal(t, 1, killed)
	assert.NoError(t, execx.AwaitExit(canceled, c.Process))
}

func TestAwaitExitDoesNotReap(t *testing.T) {
	proctest.NeedsWatch(t)
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sh", "-c", "exit 3")
	require.NoError(t, execx.AwaitExit(t.Context(), c.Process))
	require.NoError(t, execx.AwaitExit(t.Context(), c.Process))
	assert.EqualError(t, c.Wait(), "exit status 3")
}

func TestAwaitExitOfReleased(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	p, err := os.FindProcess(c.Process.Pid)
	require.NoError(t, err)
	require.NoError(t, p.Release())
	assert.Error(t, execx.AwaitExit(t.Context(), p))
}
