package execx_test

import (
	"bytes"
	"context"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// A program may replace the Process of a Cmd, and wait for the new one.
func TestProcessIsReplaced(t *testing.T) {
	for _, pkg := range commanders {
		for _, wait := range []bool{false, true} {
			t.Run(pkg.name, func(t *testing.T) {
				proctest.NoLeaks(t)
				var out bytes.Buffer
				c, r := pkg.command(nil, "sh", "-c", "echo first; exit 1")
				c.Stdout = &out
				require.NoError(t, r.Start())
				if wait {
					c.Process.Wait()
				}
				first := c.Process
				other := exec.Command("sh", "-c", "exit 2")
				require.NoError(t, other.Start())
				c.Process = other.Process
				assert.EqualError(t, r.Wait(), "exit status 2")
				assert.Equal(t, other.Process.Pid, c.ProcessState.Pid())
				assert.Equal(t, "first\n", out.String())
				if !wait {
					state, err := first.Wait() // the original belongs to the code that has it
					if assert.NoError(t, err) {
						assert.Equal(t, 1, state.ExitCode())
					}
				}
			})
		}
	}
	t.Run("context", func(t *testing.T) { // ends the current process
		compare(t, func(t *testing.T, command commander) error {
			ctx, cancel := context.WithCancel(t.Context())
			c, r := command(ctx, "true")
			require.NoError(t, r.Start())
			c.Process.Wait()
			other := exec.Command("sleep", "1000")
			require.NoError(t, other.Start())
			c.Process = other.Process
			cancel()
			return r.Wait()
		})
	})
	t.Run("closed", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("true")
		require.NoError(t, c.Start())
		require.NoError(t, c.Close())
		other := exec.Command("sh", "-c", "exit 2")
		require.NoError(t, other.Start())
		c.Process = other.Process
		assert.ErrorIs(t, c.Wait(), execx.ErrClosed)
		cmdtest.DrainOrphans(t)
		assert.EqualError(t, other.Wait(), "exit status 2")
	})
	t.Run("dropped", func(t *testing.T) {
		proctest.NoLeaks(t)
		func() {
			c := execx.Command("sh", "-c", "exit 1")
			require.NoError(t, c.Start())
			other := exec.Command("sleep", "1000")
			require.NoError(t, other.Start())
			c.Process = other.Process
			assert.NoError(t, c.Kill())
		}()
		proctest.Collect(t, proctest.NoChildren, "not reaped")
		cmdtest.DrainOrphans(t)
	})
}

func TestReleaseWhileWaiting(t *testing.T) {
	for _, pkg := range commanders {
		t.Run(pkg.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c, r := pkg.command(nil, "sh", "-c", "read line; exit 3")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, r.Start())
			pid := c.Process.Pid
			result := make(chan error, 1)
			go func() { result <- r.Wait() }()
			proctest.Until(t, func() bool { return waiting(pkg.name, r) }, "not waiting")
			require.NoError(t, c.Process.Release())
			stdin.Close()
			err, _ = proctest.Receive(t, result)
			assert.EqualError(t, err, "exit status 3")
			assert.Equal(t, pid, c.ProcessState.Pid())
		})
	}
}

// waiting reports whether a goroutine is blocked in Wait for the only command.
func waiting(name string, r runner) bool {
	if name == "execx" {
		return execx.Live()[0].Waiters == 1
	}
	all := stacks()
	return bytes.Contains(all, []byte("os.(*Process).pidfdWait")) || bytes.Contains(all, []byte("blockUntilWaitable"))
}

// As with os/exec, a released process can't be waited for, but the command can be closed or
// dropped.
func TestReleaseBeforeWait(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		c, r := command(nil, "sleep", "1000")
		require.NoError(t, r.Start())
		pid := c.Process.Pid
		require.NoError(t, c.Process.Release())
		err := r.Wait()
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		if c, ok := r.(*execx.Cmd); ok {
			done, tryErr := c.TryWait()
			assert.True(t, done)
			assert.Equal(t, err, tryErr)
			require.NoError(t, c.Close())
			cmdtest.DrainOrphans(t)
		} else {
			waitPID(pid)
		}
		return err
	})
}

// The same holds if os/exec has started the command and copies its streams.
func TestReleaseOfEmbeddedWhileWaiting(t *testing.T) {
	proctest.NeedsPidfd(t)
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "read line; echo out; exit 3")
	var out bytes.Buffer
	c.Stdout = &out
	stdin, err := c.Cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Cmd.Start())
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Process.Release())
	stdin.Close()
	err, _ = proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 3")
	assert.Equal(t, "out\n", out.String())
}
