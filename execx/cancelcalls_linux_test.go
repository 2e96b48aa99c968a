package execx_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// Cancel can call any method of its command.
func TestCancelCalls(t *testing.T) {
	proctest.Slow(t)
	proctest.NoLeaks(t)
	t.Cleanup(func() { cmdtest.DrainOrphans(t) })
	shutdown := func(c *execx.Cmd, grace time.Duration) error {
		ctx, cancel := within(grace)
		defer cancel()
		return c.Shutdown(ctx)
	}
	for _, tt := range []struct {
		name   string
		cancel func(c *execx.Cmd) error
		script string
		want   string
	}{
		{"Shutdown", func(c *execx.Cmd) error {
			return shutdown(c, proctest.Deadline)
		}, obedient, "exit status 5"},
		{"Shutdown of stubborn", func(c *execx.Cmd) error {
			return shutdown(c, time.Millisecond)
		}, stubborn, "signal: killed"},
		{"Shutdown elsewhere", func(c *execx.Cmd) error {
			result := make(chan error)
			go func() { result <- shutdown(c, time.Second) }()
			return <-result
		}, obedient, "exit status 5"},
		{"Wait", func(c *execx.Cmd) error {
			c.Signal(syscall.SIGTERM)
			return c.Wait()
		}, obedient, "exit status 5"},
		{"WaitContext", func(c *execx.Cmd) error {
			c.Signal(syscall.SIGTERM)
			ctx, cancel := within(proctest.Deadline)
			defer cancel()
			if c.WaitContext(ctx) == context.DeadlineExceeded {
				return c.Kill()
			}
			return nil
		}, obedient, "exit status 5"},
		{"WaitChan", func(c *execx.Cmd) error {
			c.Kill()
			return <-c.WaitChan(context.Background())
		}, obedient, "signal: killed"},
		{"TryWait", func(c *execx.Cmd) error {
			c.Kill()
			for {
				if done, err := c.TryWait(); done {
					return err
				}
				runtime.Gosched()
			}
		}, obedient, "signal: killed"},
		{"Wait after success", func(c *execx.Cmd) error {
			c.Signal(syscall.SIGTERM)
			return c.Wait()
		}, "trap 'exit 0' TERM; " + loop, "context canceled"},
		{"Close", func(c *execx.Cmd) error {
			c.KillOnClose = true
			c.Close()
			return c.Wait()
		}, obedient, execx.ErrClosed.Error()},
	} {
		for _, group := range []bool{false, true} {
			for _, delay := range []time.Duration{0, time.Second} {
				for _, by := range starts {
					if by.name != "Start" && (tt.name == "Close" || tt.name == "Shutdown elsewhere" && delay > 0) {
						continue // os/exec waits for Cancel and for the copying
					}
					t.Run(fmt.Sprintf("%s, group=%t, delay=%v, %s", tt.name, group, delay, by.name), func(t *testing.T) {
						t.Parallel()
						ctx, cancel := context.WithCancel(context.Background())
						defer cancel()
						c := execx.CommandContext(ctx, "sh")
						c.ProcessGroup, c.WaitDelay = group, delay
						c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
						c.Cancel = func() error { return tt.cancel(c) }
						ready := make(chunks, 8)
						c.Path, c.Args, c.Stdout = "/bin/sh", []string{"sh", "-c", tt.script}, ready
						require.NoError(t, by.start(c))
						proctest.Receive(t, ready)
						result := make(chan error, 1)
						go func() { result <- c.Wait() }()
						cancel()
						err, _ := proctest.Receive(t, result)
						assert.EqualError(t, err, tt.want)
						assert.Equal(t, err, c.Wait())
						assert.NoError(t, c.Close())
					})
				}
			}
		}
	}
}

// The context governs a closed command, whatever method its Cancel uses to end it.
func TestCancelShutsDownClosed(t *testing.T) {
	for _, script := range []string{obedient, stubborn} {
		for _, by := range starts {
			t.Run(by.name, func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				c := execx.CommandContext(ctx, "sh", "-c", script)
				shutdown := make(chan error, 1)
				c.Cancel = func() error {
					ctx, cancel := within(100 * time.Millisecond)
					defer cancel()
					shutdown <- c.Shutdown(ctx)
					return nil
				}
				ready := make(chunks, 8)
				c.Stdout = ready
				require.NoError(t, by.start(c))
				proctest.Receive(t, ready)
				require.NoError(t, c.Close())
				cancel()
				err, _ := proctest.Receive(t, shutdown)
				assert.Equal(t, execx.ErrClosed, err)
				cmdtest.DrainOrphans(t)
			})
		}
	}
}

// The Cancel of one command can wait for another command, even if that one has more to wait for
// than its process.
func TestCancelWaitsForAnother(t *testing.T) {
	for _, by := range starts {
		t.Run(by.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			var out strings.Builder
			var inner error
			c := execx.CommandContext(ctx, "sleep", "1000")
			c.Cancel = func() error {
				other := execx.Command("sh", "-c", "(sleep 0.2; echo late) & exit 3")
				other.Stdout = &out
				if err := by.start(other); err != nil {
					return err
				}
				inner = other.Wait()
				return c.Kill()
			}
			require.NoError(t, by.start(c))
			cancel()
			assert.EqualError(t, c.Wait(), "signal: killed")
			assert.EqualError(t, inner, "exit status 3")
			assert.Equal(t, "late\n", out.String())
		})
	}
}

// Shutdown does not wait for Cancel if Cancel waits for Shutdown, even in another goroutine.
func TestShutdownElsewhereAndOutput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sh")
	c.Cancel = func() error {
		result := make(chan error)
		go func() { result <- c.Shutdown(context.Background()) }()
		return <-result
	}
	c.WaitDelay = time.Millisecond
	lines(t, c, (*execx.Cmd).Start, 1, "trap 'exit 5' TERM; "+daemon+"while :; do sleep 0.01; done")
	result := make(chan error, 1)
	go func() { result <- c.Wait() }()
	cancel()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 5")
}
