package execx_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

const (
	loop     = "echo ready; while :; do sleep 0.01; done"
	obedient = "trap 'exit 5' TERM; " + loop
	stubborn = "trap '' TERM; " + loop
)

// startScript starts a shell, and returns when it is ready. The shell is killed at the end of the
// test.
func startScript(t *testing.T, c *execx.Cmd, script string) *execx.Cmd {
	t.Helper()
	ready := make(chunks, 8)
	c.Path = "/bin/sh"
	c.Args = []string{"sh", "-c", script}
	c.Stdout = ready
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Kill()
		c.Wait()
		c.Close()
	})
	proctest.Receive(t, ready)
	return c
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestShutdown(t *testing.T) {
	t.Run("obeyed", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), obedient)
		err := c.Shutdown(t.Context())
		assert.EqualError(t, err, "exit status 5")
		assert.Same(t, err, c.Wait())
		assert.Same(t, err, c.Shutdown(t.Context()), "twice")
		assert.Equal(t, 5, c.ProcessState.ExitCode())
	})
	t.Run("ignored", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), stubborn)
		assert.EqualError(t, c.Shutdown(soon(t)), "signal: killed")
	})
	t.Run("context is done", func(t *testing.T) {
		proctest.NoLeaks(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := startScript(t, execx.Command("sh"), stubborn)
		assert.EqualError(t, c.Shutdown(ctx), "signal: killed")
	})
	t.Run("by several at once", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), obedient)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { assert.EqualError(t, c.Shutdown(t.Context()), "exit status 5") })
		}
		all.Wait()
	})
	t.Run("the shortest context counts", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), stubborn)
		var all sync.WaitGroup
		all.Go(func() { assert.EqualError(t, c.Shutdown(t.Context()), "signal: killed") })
		all.Go(func() { assert.EqualError(t, c.Shutdown(soon(t)), "signal: killed") })
		all.Wait()
	})
	t.Run("before Start", func(t *testing.T) {
		assert.EqualError(t, execx.Command("true").Shutdown(t.Context()), "exec: not started")
	})
	t.Run("after the end", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sh", "-c", "exit 3")
		require.NoError(t, c.Start())
		proctest.Zombie(t, c.Process.Pid)
		assert.EqualError(t, c.Shutdown(t.Context()), "exit status 3")
	})
	t.Run("after Close", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), obedient)
		require.NoError(t, c.Close())
		assert.Equal(t, execx.ErrClosed, c.Shutdown(t.Context()))
		assert.NoError(t, c.Signal(syscall.Signal(0)), "it lives on")
		require.NoError(t, c.Kill())
		cmdtest.DrainOrphans(t)
	})
	t.Run("stopped", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), obedient)
		require.NoError(t, c.Signal(syscall.SIGSTOP))
		proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 'T' }, "not stopped")
		assert.EqualError(t, c.Shutdown(t.Context()), "exit status 5")
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := startScript(t, execx.Command("sh"), stubborn)
		result := make(chan error, 1)
		go func() { result <- c.Shutdown(t.Context()) }()
		require.NoError(t, c.Close())
		err, _ := proctest.Receive(t, result)
		assert.Equal(t, execx.ErrClosed, err)
		require.NoError(t, c.Kill())
		cmdtest.DrainOrphans(t)
	})
	t.Run("of a command with a context", func(t *testing.T) {
		proctest.NoLeaks(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := startScript(t, execx.CommandContext(ctx, "sh"), obedient)
		assert.EqualError(t, c.Shutdown(t.Context()), "exit status 5")
		cancel()
		assert.EqualError(t, c.Wait(), "exit status 5")
	})
	t.Run("cut short by the context of the command", func(t *testing.T) {
		proctest.NoLeaks(t)
		ctx, cancel := context.WithCancel(t.Context())
		c := startScript(t, execx.CommandContext(ctx, "sh"), stubborn)
		result := make(chan error, 1)
		go func() { result <- c.Shutdown(t.Context()) }()
		cancel()
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, "signal: killed")
	})
}
