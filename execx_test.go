package execx_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

func TestCancelledWaitsLeaveNothing(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	wait := func() {
		ctx, cancel := context.WithCancel(t.Context())
		result := c.WaitChan(ctx)
		cancel()
		err, _ := proctest.Receive(t, result)
		assert.ErrorIs(t, err, context.Canceled)
	}
	n := 20_000
	if runtime.GOOS == "windows" { // each takes a millisecond there
		n = 5_000
	}
	wait()
	before := heap()
	for range n {
		wait()
	}
	assert.Less(t, heap(), before+uint64(50*n))
}

// A caller may drop the channel while its context is never cancelled.
func TestDroppedChannelsLeaveNothing(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := cmdtest.Start(t, "sleep", "1000")
	for range 1000 {
		c.WaitChan(ctx)
	}
	cancel()
}

func TestEveryWaiterGetsTheSameError(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "cat; exit 7")
	c.Stdout = new(bytes.Buffer) // so that the result needs more than the exit
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())

	errs := make(chan error, 40)
	var ready, all sync.WaitGroup
	for i := range 40 {
		ready.Add(1)
		all.Go(func() {
			ready.Done()
			switch i % 4 {
			case 0:
				errs <- c.Wait()
			case 1:
				errs <- c.WaitContext(t.Context())
			case 2:
				errs <- <-c.WaitChan(t.Context())
			case 3:
				for {
					if done, err := c.TryWait(); done {
						errs <- err
						break
					}
					runtime.Gosched()
				}
			}
			assert.NotNil(t, c.ProcessState)
		})
	}
	ready.Wait()
	stdin.Close()
	all.Wait()
	var want *execx.ExitError
	require.ErrorAs(t, c.Wait(), &want)
	assert.Equal(t, 7, want.ExitCode())
	assert.Equal(t, 7, c.ProcessState.ExitCode())
	for range 40 {
		assert.Same(t, want, <-errs)
	}
	done, err := c.TryWait()
	assert.True(t, done)
	assert.Same(t, want, err)
	assert.Same(t, want, c.WaitContext(t.Context()))
	assert.Same(t, want, <-c.WaitChan(t.Context()))
}

func TestStartedThroughEmbedded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
	}{
		{"plain", func(c *execx.Cmd) {}},
		{"buffers", func(c *execx.Cmd) { c.Stdin, c.Stdout = strings.NewReader("in"), io.Discard }},
		{"delay", func(c *execx.Cmd) { c.WaitDelay = proctest.Deadline }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := execx.Command("sh", "-c", "exit 3")
			tt.prepare(c)
			require.NoError(t, c.Cmd.Start())
			assert.EqualError(t, c.Start(), "exec: already started")
			var exitErr *execx.ExitError
			require.ErrorAs(t, <-c.WaitChan(t.Context()), &exitErr)
			assert.Equal(t, 3, exitErr.ExitCode())
			assert.Same(t, exitErr, c.Wait())
			assert.Equal(t, 3, c.ProcessState.ExitCode())
			assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
		})
	}
	t.Run("context", func(t *testing.T) {
		proctest.NoLeaks(t)
		ctx, cancel := context.WithCancel(t.Context())
		c := execx.CommandContext(ctx, "sleep", "1000")
		require.NoError(t, c.Cmd.Start())
		result := c.WaitChan(t.Context())
		cancel()
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, proctest.Killed)
	})
	t.Run("killed", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sleep", "1000")
		require.NoError(t, c.Cmd.Start())
		done, err := c.TryWait()
		assert.False(t, done)
		assert.NoError(t, err)
		require.NoError(t, c.Kill())
		assert.EqualError(t, c.Wait(), proctest.Killed)
	})
}

// An exec.Cmd made by os/exec can be used, including its context.
func TestEmbeddedContext(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.Cmd{Cmd: *exec.CommandContext(ctx, "sleep", "1000")}
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	cancel()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, proctest.Killed)
}

func TestWaitedForThroughEmbedded(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sh", "-c", "exit 3")
	err := c.Cmd.Wait()
	require.EqualError(t, err, "exit status 3")
	assert.EqualError(t, c.Wait(), "exit status 3")
	assert.Equal(t, 3, c.ProcessState.ExitCode())
}

func TestZeroCmd(t *testing.T) {
	proctest.NoLeaks(t)
	path, err := execx.LookPath("true")
	require.NoError(t, err)
	c := execx.Cmd{Cmd: exec.Cmd{Path: path}}
	assert.NoError(t, c.Run())
}
