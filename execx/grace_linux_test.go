package execx_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
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

// politely holds the ways to make a context end a command politely.
var politely = []struct {
	name    string
	command func(ctx context.Context) *execx.Cmd
	start   func(c *execx.Cmd) error
}{
	{"CommandContext", commandContext, (*execx.Cmd).Start},
	{"literal", func(ctx context.Context) *execx.Cmd {
		return &execx.Cmd{Cmd: *exec.CommandContext(ctx, "sh")}
	}, (*execx.Cmd).Start},
	{"exec.Cmd.Start", commandContext, func(c *execx.Cmd) error { return c.Cmd.Start() }},
}

func commandContext(ctx context.Context) *execx.Cmd { return execx.CommandContext(ctx, "sh") }

func TestGracePeriod(t *testing.T) {
	proctest.NoLeaks(t)
	for _, tt := range []struct {
		name   string
		script string
		grace  time.Duration
		want   string
	}{
		{"obeyed", obedient, time.Hour, "exit status 5"},
		{"obeyed in time", "trap 'sleep 0.1; exit 5' TERM; " + loop, time.Hour, "exit status 5"},
		{"success", "trap 'exit 0' TERM; " + loop, time.Hour, context.Canceled.Error()},
		{"default action", loop, time.Hour, "signal: terminated"},
		{"ignored", stubborn, time.Millisecond, "signal: killed"},
		{"stopped", "trap 'exit 5' TERM; echo ready; kill -STOP $$; while :; do sleep 0.01; done", time.Hour, "exit status 5"},
		{"none", obedient, 0, "signal: killed"},
		{"less than none", obedient, -1, "signal: killed"},
		{"has ended before", "echo ready; exit 5", time.Hour, "exit status 5"},
	} {
		for _, way := range politely {
			for _, group := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, group=%t", tt.name, way.name, group), func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					c := way.command(ctx)
					c.ProcessGroup, c.GracePeriod = group, tt.grace
					c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
					if way.name == "exec.Cmd.Start" {
						c.WaitDelay = time.Second // sleep holds the output open
					}
					ready := make(chunks, 8)
					c.Path, c.Args, c.Stdout = "/bin/sh", []string{"sh", "-c", tt.script}, ready
					require.NoError(t, way.start(c))
					proctest.Receive(t, ready)
					switch tt.name {
					case "stopped":
						proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 'T' }, "not stopped")
					case "has ended before":
						proctest.Zombie(t, c.Process.Pid)
					}
					cancel()
					assert.EqualError(t, c.Wait(), tt.want)
					require.NoError(t, c.Close())
				})
			}
		}
	}
}

// tree is a script of three generations that print their PIDs. The last one ignores SIGTERM.
const tree = `echo $$; sh -c 'echo $$; (trap "" TERM; exec sh -c "echo \$\$; exec sleep 1000") & wait' & wait`

// Wait returns when no process of the group is alive.
func TestGracePeriodOfGroup(t *testing.T) {
	proctest.NoLeaks(t)
	for _, way := range politely {
		for _, output := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, output=%t", way.name, output), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := way.command(ctx)
				c.ProcessGroup, c.GracePeriod = true, 300*time.Millisecond
				c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				script := tree
				if !output {
					script = strings.Replace(tree, "sleep 1000", "sleep 1000 >/dev/null", 1)
				}
				pids := lines(t, c, way.start, 3, script)
				cancel()
				assert.EqualError(t, c.Wait(), "signal: terminated")
				for _, pid := range pids {
					assert.True(t, proctest.Ended(pid), "process %d lives", pid)
				}
				require.NoError(t, c.Close())
			})
		}
	}
}

// A process that has left the group and holds the output is not killed, but it is not waited for
// either.
func TestGracePeriodAndDaemon(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, -1} {
		for _, group := range []bool{false, true} {
			t.Run(fmt.Sprintf("delay=%v, group=%t", delay, group), func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup, c.GracePeriod, c.WaitDelay = group, time.Hour, delay
				pids := lines(t, c, (*execx.Cmd).Start, 1, "trap 'exit 0' TERM; "+daemon+"while :; do sleep 0.01; done")
				cancel()
				assert.Equal(t, context.Canceled, c.Wait())
				assert.False(t, proctest.Ended(pids[0]))
				require.NoError(t, c.Close())
			})
		}
	}
}

// That is also the case if only this process is left when the context is done.
func TestGracePeriodAndDaemonOfEnded(t *testing.T) {
	for _, group := range []bool{false, true} {
		for _, reaped := range []bool{false, true} {
			t.Run(fmt.Sprintf("group=%t, reaped=%t", group, reaped), func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup, c.GracePeriod = group, time.Hour
				pids := lines(t, c, (*execx.Cmd).Start, 1, daemon+"exit 0")
				proctest.Zombie(t, c.Process.Pid)
				result := make(chan error, 1)
				wait := func() { result <- c.Wait() }
				if reaped {
					go wait()
					proctest.Until(t, func() bool {
						unreaped := execx.Live()
						return len(unreaped) == 0 || unreaped[0].Waiters > 0
					}, "does not wait")
				}
				cancel()
				if !reaped {
					wait()
				}
				err, _ := proctest.Receive(t, result)
				assert.Equal(t, execx.ErrWaitDelay, err)
				assert.False(t, proctest.Ended(pids[0]))
				require.NoError(t, c.Close())
			})
		}
	}
}

func TestGracePeriodOfDropped(t *testing.T) {
	for _, closes := range []bool{false, true} {
		t.Run(fmt.Sprintf("closes=%t", closes), func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			pids := func() []int {
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup, c.GracePeriod = true, 50*time.Millisecond
				c.Path, c.Args = "/bin/sh", []string{"sh", "-c", tree}
				stdout, err := c.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, c.Start())
				var pids [3]int
				_, err = fmt.Fscan(stdout, &pids[0], &pids[1], &pids[2])
				require.NoError(t, err)
				stdout.Close()
				if closes {
					require.NoError(t, c.Close())
				}
				return pids[:]
			}()
			collected(t)
			cancel()
			untilEnded(t, pids...)
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			cmdtest.DrainOrphans(t)
		})
	}
}

// If the program sets Cancel, that is called instead.
func TestGracePeriodAndCancel(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sh")
	c.GracePeriod = time.Hour
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	startScript(t, c, "trap 'exit 6' INT; trap 'exit 5' TERM; "+loop)
	cancel()
	assert.EqualError(t, c.Wait(), "exit status 6")
}

// A process that has exited by itself is not reported as cancelled.
func TestGracePeriodAtTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	for _, group := range []bool{false, true} {
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			c := execx.CommandContext(ctx, "true")
			c.ProcessGroup, c.GracePeriod = group, time.Hour
			require.NoError(t, c.Start())
			proctest.Zombie(t, c.Process.Pid)
			cancel()
			proctest.Until(t, c.Interrupted, "the context has done nothing")
			assert.NoError(t, c.Wait())
			require.NoError(t, c.Close())
		}
	}
}

// If the signal can't be sent, the error is reported.
func TestGracePeriodIsNotPermitted(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NeedsRoot(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "cat")
	c.GracePeriod = time.Hour
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	require.NoError(t, syscall.Setresuid(proctest.Nobody, proctest.Nobody, 0))
	cancel()
	proctest.Until(t, c.Interrupted, "the context has done nothing")
	require.NoError(t, syscall.Setresuid(0, 0, 0))
	stdin.Close()
	err = c.Wait()
	assert.ErrorIs(t, err, syscall.EPERM)
	assert.ErrorContains(t, err, "exec: canceling Cmd: ")
}

// The rest of a group is ended even if its leader has exited with a status.
func TestGracePeriodLeavesSomething(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NeedsRoot(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "cat")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: proctest.Nobody, NoSetGroups: true}}
	c.ProcessGroup, c.GracePeriod = true, time.Hour
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	member := exec.Command("sleep", "1000")
	member.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: c.Process.Pid}
	require.NoError(t, member.Start())
	require.NoError(t, syscall.Setresuid(proctest.Nobody, proctest.Nobody, 0))
	result := make(chan error, 1)
	go func() { result <- c.Wait() }()
	cancel()
	err, _ = proctest.Receive(t, result)
	require.NoError(t, syscall.Setresuid(0, 0, 0))
	stdin.Close()
	assert.ErrorIs(t, err, syscall.EPERM)
	assert.ErrorContains(t, err, "exec: canceling Cmd: ")
	assert.ErrorContains(t, err, "signal: terminated")
	require.NoError(t, member.Process.Kill())
	member.Wait()
}
