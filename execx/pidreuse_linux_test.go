package execx_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// A bystander is a process, and group leader, that has got the PID of another process. It runs
// until it is asked whether it is alive.
type bystander struct {
	process       *os.Process
	stdin, stdout *os.File
}

// reusePID starts a bystander with the PID of a process that is gone.
func reusePID(t *testing.T, pid int) *bystander {
	t.Helper()
	in, stdin, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	stdout, out, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	p := &bystander{stdin: stdin, stdout: stdout}
	t.Cleanup(p.close)
	p.process = startAs(t, pid, "read line && echo alive", in, out)
	return p
}

// assertSpared asserts that no signal has ended the process, and ends it.
func (p *bystander) assertSpared(t *testing.T) {
	t.Helper()
	p.stdin.WriteString("are you alive?\n")
	answer, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	assert.Equal(t, "alive\n", string(answer), "a signal has reached another process")
	p.close()
}

// close ends the process, and reaps it unless it was reaped by mistake.
func (p *bystander) close() {
	p.stdin.Close()
	p.stdout.Close()
	if p.process != nil {
		p.process.Wait()
	}
}

// A reusedCmd is a command whose process was reaped, but not by the command.
type reusedCmd struct {
	*execx.Cmd
	cancel func()      // ends its context
	acted  func() bool // whether the end of the context has been handled
}

// ends holds the ways to end a command. They return after all signals have been sent.
var ends = []struct {
	name string
	end  func(t *testing.T, c reusedCmd)
}{
	{"Kill", func(t *testing.T, c reusedCmd) {
		assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
	}},
	{"Signal", func(t *testing.T, c reusedCmd) {
		assert.ErrorIs(t, c.Signal(syscall.SIGTERM), os.ErrProcessDone)
	}},
	{"Shutdown", func(t *testing.T, c reusedCmd) {
		c.Shutdown(soon(t))
	}},
	{"Close", func(t *testing.T, c reusedCmd) { assert.NoError(t, c.Close()) }}, // with KillOnClose
	{"context", func(t *testing.T, c reusedCmd) {
		c.cancel()
		proctest.Until(t, c.acted, "nothing is canceled")
	}},
}

// A reaper is a way in which the process of a command may be reaped, other than by the command.
type reaper struct {
	name string
	reap func(t *testing.T, c *execx.Cmd)
}

var reapers = []reaper{
	{"os", func(t *testing.T, c *execx.Cmd) {
		_, err := c.Process.Wait()
		require.NoError(t, err)
	}},
	{"wait4", func(t *testing.T, c *execx.Cmd) {
		_, err := waitPID(c.Process.Pid)
		require.NoError(t, err)
	}},
}

// After its PID is reused, no signal reaches the new process.
func TestSignalsAfterPIDReuse(t *testing.T) {
	proctest.Slow(t)
	if !choosePIDs(t) {
		return
	}
	starts := []struct {
		name  string
		start func(t *testing.T, ctx context.Context, group bool) reusedCmd
	}{
		{"Start", func(t *testing.T, ctx context.Context, group bool) reusedCmd {
			c := execx.CommandContext(ctx, "true")
			c.ProcessGroup, c.KillOnClose = group, true
			require.NoError(t, c.Start())
			return reusedCmd{Cmd: c, acted: c.Interrupted}
		}},
		{"Start of a copy", func(t *testing.T, ctx context.Context, group bool) reusedCmd {
			c := &execx.Cmd{Cmd: *exec.CommandContext(ctx, "true"), ProcessGroup: group, KillOnClose: true}
			require.NoError(t, c.Start())
			return reusedCmd{Cmd: c, acted: c.Interrupted}
		}},
		{"exec.Cmd.Start", func(t *testing.T, ctx context.Context, group bool) reusedCmd {
			c := execx.CommandContext(ctx, "true")
			c.ProcessGroup, c.KillOnClose = group, true
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
			var acted atomic.Bool
			cancel := c.Cancel
			c.Cancel = func() error {
				defer acted.Store(true)
				return cancel()
			}
			require.NoError(t, c.Cmd.Start())
			c.Signal(syscall.Signal(0)) // makes the process known to c before it is gone
			return reusedCmd{Cmd: c, acted: acted.Load}
		}},
	}
	for _, by := range starts {
		for _, reaper := range reapers {
			for _, ending := range ends {
				for _, group := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, reaped by %s, %s, group=%t", by.name, reaper.name, ending.name, group), func(t *testing.T) {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						c := by.start(t, ctx, group)
						c.cancel = cancel
						reaper.reap(t, c.Cmd)
						other := reusePID(t, c.Process.Pid)
						ending.end(t, c)
						other.assertSpared(t)
						proctest.Receive(t, c.WaitChan(t.Context()))
						require.NoError(t, c.Close())
						cmdtest.DrainOrphans(t)
					})
				}
			}
		}
	}
}

// The same holds if the garbage collector ends the command.
func TestDroppedAfterPIDReuse(t *testing.T) {
	if !choosePIDs(t) {
		return
	}
	for _, reaper := range reapers {
		for _, group := range []bool{false, true} {
			t.Run(fmt.Sprintf("reaped by %s, group=%t", reaper.name, group), func(t *testing.T) {
				other := func() *bystander {
					c := execx.Command("true")
					c.ProcessGroup, c.KillOnClose = group, true
					require.NoError(t, c.Start())
					reaper.reap(t, c)
					other := reusePID(t, c.Process.Pid)
					runtime.KeepAlive(c)
					return other
				}()
				proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
				other.assertSpared(t)
				cmdtest.DrainOrphans(t)
			})
		}
	}
}
