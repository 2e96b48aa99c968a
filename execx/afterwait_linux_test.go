package execx_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func TestAfterWait(t *testing.T) {
	t.Run("result", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := cmdtest.Start(t, "sleep", "1000")
		results := make(chan error, 10)
		for range 10 {
			c.AfterWait(func(err error) { results <- err })
		}
		assert.Empty(t, results)
		require.NoError(t, c.Kill())
		for range 10 {
			err, _ := proctest.Receive(t, results)
			assert.EqualError(t, err, "signal: killed")
			assert.Same(t, err, c.Wait())
			assert.NotNil(t, c.ProcessState)
		}
	})
	t.Run("at once", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("false")
		results := make(chan error)
		send := func(err error) { results <- err }
		stop := c.AfterWait(send)
		err, _ := proctest.Receive(t, results)
		assert.EqualError(t, err, "exec: not started")
		assert.False(t, stop())
		c.Run()
		stop = c.AfterWait(send)
		err, _ = proctest.Receive(t, results)
		assert.EqualError(t, err, "exit status 1")
		assert.False(t, stop())
	})
	t.Run("stopped", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := cmdtest.Start(t, "sleep", "1000")
		stop := c.AfterWait(func(error) { t.Error("called though it was stopped") })
		assert.True(t, stop())
		assert.False(t, stop())
		require.NoError(t, c.Kill())
		assert.Error(t, c.Wait())
	})
	t.Run("closed", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := cmdtest.Start(t, "sleep", "1000")
		results := make(chan error)
		c.AfterWait(func(err error) { results <- err })
		require.NoError(t, c.Kill())
		c.Close()
		err, _ := proctest.Receive(t, results)
		if err != execx.ErrClosed { // not too late
			assert.EqualError(t, err, "signal: killed")
		}
		cmdtest.DrainOrphans(t)
	})
	t.Run("uses the command", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := cmdtest.Start(t, "true")
		done := make(chan error)
		c.AfterWait(func(error) {
			c.Close()
			done <- c.Wait()
		})
		err, _ := proctest.Receive(t, done)
		assert.NoError(t, err)
	})
}

// AfterWait waits for the command, so the process is reaped. It keeps the command reachable, but
// needs no goroutine.
func TestAfterWaitHolds(t *testing.T) {
	proctest.NoLeaks(t)
	results := make(chan error)
	func() {
		c := cmdtest.Start(t, "sleep", "0.1")
		c.AfterWait(func(error) {}) // starts the goroutine that watches all processes
		before := runtime.NumGoroutine()
		for range 100 {
			c.AfterWait(func(error) {})
		}
		assert.LessOrEqual(t, runtime.NumGoroutine(), before)
		c.AfterWait(func(err error) {
			assert.NotNil(t, c.ProcessState)
			results <- err
		})
	}()
	runtime.GC()
	err, _ := proctest.Receive(t, results)
	assert.NoError(t, err)
	assert.Empty(t, proctest.Children())
}

// If stop is called while the process ends, either f is called or stop reports that it won't be.
func TestAfterWaitStopRacesWithExit(t *testing.T) {
	proctest.NoLeaks(t)
	for range 100 {
		c := cmdtest.Start(t, "true")
		called := make(chan error, 1)
		stop := c.AfterWait(func(err error) { called <- err })
		runtime.Gosched()
		if !stop() {
			err, _ := proctest.Receive(t, called)
			assert.NoError(t, err)
		}
		assert.NoError(t, c.Wait())
		assert.Empty(t, called)
	}
}

// Polling with WaitChan costs little per call, and the result reaches many channels at once.
func TestManyWaitChans(t *testing.T) {
	const n = 100_000
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := cmdtest.Start(t, "sleep", "1000")
	c.WaitChan(ctx)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		c.WaitChan(ctx)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.LessOrEqual(t, (after.HeapAlloc-before.HeapAlloc)/n, uint64(250), "bytes for each")
	require.NoError(t, c.Kill())
	assert.EqualError(t, c.Wait(), "signal: killed")

	c = cmdtest.Start(t, "sleep", "1000")
	last := c.WaitChan(ctx)
	for range n {
		last = c.WaitChan(ctx)
	}
	cancel()
	err, _ := proctest.Receive(t, last)
	assert.Equal(t, context.Canceled, err)
	assert.Zero(t, execx.Live()[0].Waiters)
	require.NoError(t, c.Kill())
	assert.EqualError(t, c.Wait(), "signal: killed")
}
