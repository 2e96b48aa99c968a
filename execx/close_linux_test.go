package execx_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// collect forces garbage collections until cond holds.
func collect(t *testing.T, cond func() bool, what string, args ...any) {
	t.Helper()
	proctest.Until(t, func() bool {
		runtime.GC()
		return cond()
	}, what, args...)
}

func noChildren() bool { return len(proctest.Children()) == 0 }

// A command that is dropped without Wait is reaped once it has ended.
func TestDropped(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, ctx context.Context){
		"Command": func(t *testing.T, _ context.Context) {
			require.NoError(t, execx.Command("true").Start())
		},
		"context that lives on": func(t *testing.T, ctx context.Context) {
			require.NoError(t, execx.CommandContext(ctx, "true").Start())
		},
		"Cancel refers to the Cmd": func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "true")
			c.Cancel = func() error { return c.Process.Kill() }
			require.NoError(t, c.Start())
		},
		"copying": func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "true")
			c.Stdin, c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
			require.NoError(t, c.Start())
		},
		"pipes": func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "cat")
			_, err := c.StdinPipe()
			require.NoError(t, err)
			_, err = c.StdoutPipe()
			require.NoError(t, err)
			_, err = c.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
		},
		"waiting was given up": func(t *testing.T, ctx context.Context) {
			c := execx.Command("true")
			require.NoError(t, c.Start())
			done, cancel := context.WithCancel(ctx)
			result := c.WaitChan(done)
			cancel()
			proctest.Receive(t, result)
		},
		"running": func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "sleep", "1000")
			c.KillOnClose = true
			require.NoError(t, c.Start())
		},
		"group": func(t *testing.T, ctx context.Context) {
			c := execx.CommandContext(ctx, "sh", "-c", "sleep 1000 & sleep 1000")
			c.KillOnClose, c.ProcessGroup = true, true
			c.Stdout = new(bytes.Buffer) // until the last of them has ended
			require.NoError(t, c.Start())
		},
	} {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			start(t, ctx)
			collect(t, noChildren, "not reaped")
			require.NoError(t, execx.DrainOrphans(t.Context()))
			assert.Zero(t, execx.Orphans())
		})
	}
}
func TestStatsOfLeaksAndThefts(t *testing.T) {
	proctest.NoLeaks(t)
	before := execx.ReadStats()
	require.NoError(t, execx.Command("true").Start())
	collect(t, noChildren, "not reaped")

	stolen := execx.Command("true")
	require.NoError(t, stolen.Start())
	_, err := unix.Wait4(stolen.Process.Pid, nil, 0, nil)
	require.NoError(t, err)
	stolen.Wait()

	after := execx.ReadStats()
	assert.EqualValues(t, 1, after.Leaked-before.Leaked)
	assert.EqualValues(t, 1, after.Orphaned-before.Orphaned)
	assert.EqualValues(t, 1, after.Stolen-before.Stolen)
	assert.EqualValues(t, 2, after.Reaped-before.Reaped)
	assert.Empty(t, execx.Live())
}

// The result that is known before Close stays, and ProcessState with it, though
// nobody has asked for either.
func TestCloseAfterContextReaped(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sleep", "1000")
	require.NoError(t, c.Start())
	cancel()
	proctest.Until(t, func() bool { return len(execx.Live()) == 0 }, "not reaped")
	require.NoError(t, c.Close())
	if err := c.Wait(); err != execx.ErrClosed { // Cancel may not have returned
		assert.EqualError(t, err, "signal: killed")
		assert.NotNil(t, c.ProcessState)
	}
}

// WaitDelay is over early if all is copied: the descriptor of the group is not needed
// any longer then.
func TestGroupAndWaitDelayLeaveNothing(t *testing.T) {
	proctest.NoLeaks(t)
	func() {
		c := execx.Command("cat")
		c.ProcessGroup, c.WaitDelay = true, proctest.Deadline
		c.Stdin, c.Stdout = new(bytes.Buffer), new(bytes.Buffer)
		require.NoError(t, c.Start())
	}()
	collect(t, noChildren, "not reaped")
}

func TestShutdownAfterResultAndClose(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "exit 3")
	require.NoError(t, c.Start())
	want := c.Wait()
	require.NoError(t, c.Close())
	assert.Same(t, want, c.Shutdown(t.Context()))
}
