//go:build unix

package execx

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// withoutPidfd returns a started command whose process has no pidfd.
func withoutPidfd(t *testing.T, name string, arg ...string) *Cmd {
	t.Helper()
	c := Command(name, arg...)
	require.NoError(t, c.Cmd.Start())
	c.Process = proctest.WithoutPidfd(t, c.Process)
	t.Cleanup(func() {
		c.Kill()
		c.Wait()
	})
	return c
}

func TestWithoutPidfd(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait func(c *Cmd) error
	}{
		{"Wait", func(c *Cmd) error { return c.Wait() }},
		{"WaitContext", func(c *Cmd) error { return c.WaitContext(t.Context()) }},
		{"WaitChan", func(c *Cmd) error { return <-c.WaitChan(t.Context()) }},
		{"TryWait", func(c *Cmd) (err error) {
			proctest.Until(t, func() (done bool) {
				done, err = c.TryWait()
				return done
			}, "never done")
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := withoutPidfd(t, "sleep", "1000")
			done, err := c.TryWait()
			assert.False(t, done)
			assert.NoError(t, err)
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			assert.ErrorIs(t, c.WaitContext(canceled), context.Canceled)
			require.NoError(t, c.Kill())
			err = tt.wait(c)
			assert.EqualError(t, err, "signal: killed")
			assert.Same(t, err, c.Wait())
			assert.NotNil(t, c.ProcessState)
			assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
		})
	}
}

func TestCloseWithoutPidfd(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  func(c *Cmd)
	}{
		{"unasked", func(c *Cmd) {}},
		{"waited for", func(c *Cmd) { c.WaitChan(t.Context()) }},
		{"tried", func(c *Cmd) { c.TryWait() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := withoutPidfd(t, "sleep", "1000")
			tt.ask(c)
			results := make(chan error, 10)
			for range cap(results) {
				go func() { results <- c.Wait() }()
			}
			require.NoError(t, c.Close())
			for range cap(results) {
				err, _ := proctest.Receive(t, results)
				assert.Equal(t, ErrClosed, err)
			}
			assert.Equal(t, 1, Orphans())
			require.NoError(t, c.Kill())
			require.NoError(t, DrainOrphans(t.Context()))
			assert.Equal(t, ErrClosed, c.Wait())
			assert.Nil(t, c.ProcessState)
		})
	}
	t.Run("KillOnClose", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := withoutPidfd(t, "sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Close())
		require.NoError(t, DrainOrphans(t.Context()))
	})
}

func TestDroppedWithoutPidfd(t *testing.T) {
	proctest.NeedsWatch(t) // elsewhere, what os/exec has started is not reaped
	for _, tt := range []struct {
		name string
		ask  func(c *Cmd)
	}{
		{"unasked", func(c *Cmd) { c.startedChild() }},
		{"waiting was given up", func(c *Cmd) {
			ctx, cancel := context.WithCancel(t.Context())
			result := c.WaitChan(ctx)
			cancel()
			<-result
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			func() {
				c := Command("sleep", "0.01")
				require.NoError(t, c.Cmd.Start())
				pid := c.Process.Pid
				require.NoError(t, c.Process.Release())
				c.Process = &os.Process{Pid: pid}
				tt.ask(c)
			}()
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			require.NoError(t, DrainOrphans(t.Context()))
		})
	}
}

func TestShutdownWithoutPidfd(t *testing.T) {
	proctest.NoLeaks(t)
	c := withoutPidfd(t, "sleep", "1000")
	assert.EqualError(t, c.Shutdown(t.Context()), "signal: terminated")
	assert.Zero(t, Orphans())
}
