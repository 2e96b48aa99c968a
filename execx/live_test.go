package execx_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// info returns what Live reports about c.
func info(c *execx.Cmd) (execx.CmdInfo, bool) {
	for _, info := range execx.Live() {
		if info.Pid == c.Process.Pid {
			return info, true
		}
	}
	return execx.CmdInfo{}, false
}

func TestLive(t *testing.T) {
	proctest.NoLeaks(t)
	before := time.Now()
	c := cmdtest.Start(t, "sleep", "1000")
	got, ok := info(c)
	require.True(t, ok)
	assert.Equal(t, []string{"sleep", "1000"}, got.Args)
	assert.WithinRange(t, got.Started, before, time.Now())
	assert.Equal(t, execx.StateRunning, got.State)
	assert.Zero(t, got.Waiters)
	assert.Empty(t, got.Stack)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	results := []<-chan error{c.WaitChan(ctx), c.WaitChan(ctx)}
	got, _ = info(c)
	assert.Equal(t, execx.StateWaited, got.State)
	assert.Equal(t, 2, got.Waiters)
	cancel()
	for _, result := range results {
		proctest.Receive(t, result)
	}
	got, _ = info(c)
	if proctest.CanWatch {
		assert.Equal(t, execx.StateRunning, got.State)
	}
	assert.Zero(t, got.Waiters)

	require.NoError(t, c.Close())
	got, _ = info(c)
	assert.Equal(t, execx.StateOrphaned, got.State)
	require.NoError(t, c.Kill())
	require.NoError(t, execx.DrainOrphans(t.Context()))
	_, ok = info(c)
	assert.False(t, ok)
}

func TestLiveIsSortedByAge(t *testing.T) {
	proctest.NoLeaks(t)
	for range 10 {
		cmdtest.Start(t, "sleep", "1000")
	}
	live := execx.Live()
	require.Len(t, live, 10)
	for i, next := range live[1:] {
		assert.False(t, next.Started.Before(live[i].Started))
	}
}

func TestReadStats(t *testing.T) {
	if !proctest.Apart(t, nil) { // commands dropped by other tests must not count
		return
	}
	proctest.NoLeaks(t)
	before := execx.ReadStats()

	require.NoError(t, execx.Command("true").Run())
	assert.Error(t, execx.Command("no-such-program").Run(), "is not counted")

	killed := cmdtest.Start(t, "sleep", "1000")
	require.NoError(t, killed.Kill())
	assert.Error(t, killed.Wait())
	assert.Error(t, killed.Kill(), "is not counted")

	closed := cmdtest.Start(t, "true")
	require.NoError(t, closed.Close())
	require.NoError(t, closed.Close())
	require.NoError(t, execx.DrainOrphans(t.Context()))

	after := execx.ReadStats()
	assert.EqualValues(t, 3, after.Started-before.Started)
	assert.EqualValues(t, 3, after.Reaped-before.Reaped)
	assert.EqualValues(t, 1, after.Killed-before.Killed)
	assert.EqualValues(t, 1, after.Orphaned-before.Orphaned)
	assert.Equal(t, before.Leaked, after.Leaked)
	assert.Equal(t, before.Stolen, after.Stolen)
}

func ExampleLive() {
	c := execx.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		panic(err)
	}
	for _, info := range execx.Live() {
		fmt.Println(info.Args, info.State)
	}
	c.Kill()
	c.Wait()
	fmt.Println(len(execx.Live()))
	// Output:
	// [sleep 1000] running
	// 0
}

func ExampleReadStats() {
	before := execx.ReadStats()
	if err := execx.Command("true").Run(); err != nil {
		panic(err)
	}
	fmt.Println(execx.ReadStats().Reaped - before.Reaped)
	// Output: 1
}
