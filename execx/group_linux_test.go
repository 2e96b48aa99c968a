package execx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func untilEnded(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		proctest.Until(t, func() bool { return proctest.Ended(pid) }, "process %d lives", pid)
	}
}

// startFamily starts c, a shell with two background processes, and returns their PIDs. The shell
// then runs the script.
func startFamily(t *testing.T, c *execx.Cmd, script string) (pids []int) {
	t.Helper()
	c.Path = "/bin/sh"
	c.Args = []string{"sh", "-c", "sleep 1000 >/dev/null & echo $!; sleep 1000 >/dev/null & echo $!; " + script}
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	for range 2 {
		var pid int
		_, err := fmt.Fscan(stdout, &pid)
		require.NoError(t, err)
		require.False(t, proctest.Ended(pid))
		pids = append(pids, pid)
		t.Cleanup(func() {
			if !proctest.Ended(pid) {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		})
	}
	stdout.Close()
	return pids
}

// Every way to end a command ends the whole group.
func TestProcessGroup(t *testing.T) {
	type stop func(t *testing.T, c *execx.Cmd, cancel func())
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
		stop    stop
	}{
		{name: "Kill", stop: func(t *testing.T, c *execx.Cmd, _ func()) { assert.NoError(t, c.Kill()) }},
		{name: "Signal", stop: func(t *testing.T, c *execx.Cmd, _ func()) {
			assert.NoError(t, c.Signal(syscall.SIGTERM))
		}},
		{name: "Shutdown", stop: func(t *testing.T, c *execx.Cmd, _ func()) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c.Shutdown(ctx)
		}},
		{name: "context", stop: func(_ *testing.T, _ *execx.Cmd, cancel func()) { cancel() }},
		{name: "WaitDelay",
			prepare: func(c *execx.Cmd) {
				c.Cancel = func() error { return nil }
				c.WaitDelay = time.Millisecond
			},
			stop: func(_ *testing.T, _ *execx.Cmd, cancel func()) { cancel() },
		},
		{name: "KillOnClose",
			prepare: func(c *execx.Cmd) { c.KillOnClose = true },
			stop:    func(t *testing.T, c *execx.Cmd, _ func()) { assert.NoError(t, c.Close()) },
		},
	} {
		run := func(t *testing.T, script string, before func(t *testing.T, c *execx.Cmd)) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := execx.CommandContext(ctx, "sh")
			c.ProcessGroup = true
			if tt.prepare != nil {
				tt.prepare(c)
			}
			pids := startFamily(t, c, script)
			before(t, c)
			tt.stop(t, c, cancel)
			untilEnded(t, pids...)
			c.Wait()
			assert.NoError(t, c.Close())
			cmdtest.DrainOrphans(t)
		}
		t.Run(tt.name, func(t *testing.T) {
			run(t, "wait", func(*testing.T, *execx.Cmd) {})
		})
		t.Run(tt.name+" after the leader has ended", func(t *testing.T) {
			if tt.name == "WaitDelay" { // the process is reaped when WaitDelay expires
				proctest.NeedsGroupPidfds(t)
			}
			run(t, "exit 3", func(t *testing.T, c *execx.Cmd) { proctest.Zombie(t, c.Process.Pid) })
		})
		if tt.name == "context" || tt.name == "WaitDelay" {
			continue // the context has no effect any longer
		}
		t.Run(tt.name+" after the leader was reaped", func(t *testing.T) {
			proctest.NeedsGroupPidfds(t)
			run(t, "exit 3", func(t *testing.T, c *execx.Cmd) {
				assert.EqualError(t, c.Wait(), "exit status 3")
			})
		})
	}
}

// The context sends SIGTERM to the group. Processes that ignore it are killed when WaitDelay
// expires, even if the leader has ended.
func TestWaitDelayKillsGroupWithoutLeader(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sh")
	c.ProcessGroup = true
	c.WaitDelay = 10 * time.Millisecond
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // to the leader only
	pids := startFamily(t, c, "wait")
	cancel()
	assert.EqualError(t, c.Wait(), "signal: terminated")
	untilEnded(t, pids...)
	require.NoError(t, c.Close())
}

func TestDroppedGroupIsKilled(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script string
	}{{"leader runs", "wait"}, {"leader has ended", "exit 3"}} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NeedsGroupPidfds(t)
			proctest.NoLeaks(t)
			var pids []int
			func() {
				c := execx.Command("sh")
				c.ProcessGroup, c.KillOnClose = true, true
				pids = startFamily(t, c, tt.script)
				if tt.script != "wait" {
					c.Wait()
				}
			}()
			proctest.Collect(t, func() bool { return proctest.Ended(pids[0]) && proctest.Ended(pids[1]) }, "not killed")
			cmdtest.DrainOrphans(t)
		})
	}
}

func TestEmptyGroup(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	c.ProcessGroup = true
	require.NoError(t, c.Run())
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
	assert.ErrorIs(t, c.Signal(syscall.SIGTERM), os.ErrProcessDone)
	assert.NoError(t, c.Shutdown(t.Context()))
	require.NoError(t, c.Close())
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
}

// By default, other processes live on.
func TestWithoutProcessGroup(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh")
	c.KillOnClose = true
	pids := startFamily(t, c, "wait")
	require.NoError(t, c.Kill())
	c.Wait()
	require.NoError(t, c.Close())
	for _, pid := range pids {
		assert.False(t, proctest.Ended(pid))
	}
}

// The descriptor of a group is released by Close, or by the last event that ends the need for it.
func TestGroupDescriptor(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  func(t *testing.T, c *execx.Cmd)
	}{
		{"waited for and closed", func(t *testing.T, c *execx.Cmd) {
			require.NoError(t, c.Kill())
			c.Wait()
			require.NoError(t, c.Close())
		}},
		{"closed", func(t *testing.T, c *execx.Cmd) {
			require.NoError(t, c.Close())
			require.NoError(t, c.Kill())
		}},
		{"dropped", func(t *testing.T, c *execx.Cmd) { require.NoError(t, c.Kill()) }},
		{"waited for and dropped", func(t *testing.T, c *execx.Cmd) {
			require.NoError(t, c.Kill())
			c.Wait()
		}},
	} {
		for _, delay := range []time.Duration{0, time.Hour} {
			t.Run(fmt.Sprint(tt.name, " ", delay), func(t *testing.T) {
				proctest.NoLeaks(t)
				func() {
					c := execx.Command("sleep", "1000")
					c.ProcessGroup = true
					c.WaitDelay = delay
					c.Stdout, c.Stderr = io.Discard, bufio.NewWriter(io.Discard)
					require.NoError(t, c.Start())
					tt.use(t, c)
				}()
				proctest.Collect(t, proctest.NoChildren, "not reaped")
				cmdtest.DrainOrphans(t)
			})
		}
	}
}
