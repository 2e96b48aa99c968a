package execx

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// The memory used by many waiters is released when they are gone.
func TestWaitersAreForgotten(t *testing.T) {
	proctest.NeedsWatch(t)
	proctest.NoLeaks(t)
	c := Command("sleep", "1000")
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Wait() })
	ctx, cancel := context.WithCancel(t.Context())
	result := c.WaitChan(ctx)
	child := c.child.Load()
	cancel()
	proctest.Receive(t, result)
	require.NoError(t, c.Kill())
	child.mu.Lock()
	defer child.mu.Unlock()
	assert.Nil(t, child.waiters)
	assert.Equal(t, unwatched, child.phase)
}

// A process that can't be watched can be waited for.
func TestWaitIsBlocked(t *testing.T) {
	proctest.NoLeaks(t)
	c := Command("sleep", "1000")
	require.NoError(t, c.Start())
	c.Block()
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Kill())
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, proctest.Killed)
	assert.Same(t, err, c.Wait())
}

// A process that a goroutine is blocked on is also an orphan until it is reaped.
func TestCloseWhileWaitIsBlocked(t *testing.T) {
	proctest.NoLeaks(t)
	c := Command("sleep", "1000")
	require.NoError(t, c.Start())
	c.Block()
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Close())
	err, _ := proctest.Receive(t, result)
	assert.Equal(t, ErrClosed, err)
	assert.Equal(t, 1, Orphans())
	require.NoError(t, c.Kill())
	require.NoError(t, DrainOrphans(t.Context()))
	assert.Empty(t, proctest.Children())
	assert.Nil(t, c.ProcessState)
}
