package execx_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// When its context is done, a process is killed but not reaped.
func TestContextDoesNotReap(t *testing.T) {
	for _, pkg := range commanders {
		t.Run(pkg.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			for i := range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				c, r := pkg.command(ctx, "sleep", "1000")
				require.NoError(t, r.Start())
				cancel()
				if i%2 == 0 {
					proctest.Zombie(t, c.Process.Pid)
				}
				state, err := c.Process.Wait()
				if assert.NoError(t, err) {
					assert.Equal(t, "signal: killed", state.String())
				}
				assert.ErrorIs(t, r.Wait(), syscall.ECHILD) // releases the context
			}
		})
	}
}

// The PID, also as a process group ID, is not reused while the Cmd is reachable.
func TestPIDIsPinned(t *testing.T) {
	for _, pkg := range commanders {
		t.Run(pkg.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			c, r := pkg.command(ctx, "sleep", "1000")
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, r.Start())
			cancel()
			proctest.Zombie(t, c.Process.Pid)
			waitForPolling(t)
			assert.Equal(t, byte('Z'), proctest.State(c.Process.Pid))
			assert.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGKILL))
			assert.EqualError(t, r.Wait(), "signal: killed")
		})
	}
}

// A program may have its own reaper, and call Wait for the processes that the reaper has seen.
func TestReaperOfTheProgram(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	for _, pkg := range commanders {
		t.Run(pkg.name, func(t *testing.T) {
			const n = 10
			ctx, cancel := context.WithCancel(t.Context())
			var cmds []runner
			for range n {
				_, r := pkg.command(ctx, "sleep", "1000")
				require.NoError(t, r.Start())
				cmds = append(cmds, r)
			}
			cancel()
			for range n {
				status, err := waitPID(-1)
				require.NoError(t, err)
				assert.Equal(t, syscall.SIGKILL, status.Signal())
			}
			for _, r := range cmds {
				assert.Error(t, r.Wait())
			}
		})
	}
}

// A process that has already exited is not reported as ended by the context.
func TestEndedIsNotCanceled(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
	}{
		{"default", func(c *execx.Cmd) {}},
		{"Cancel", func(c *execx.Cmd) { c.Cancel = func() error { panic("called") } }},
		{"group", func(c *execx.Cmd) { c.ProcessGroup = true }},
		{"output", func(c *execx.Cmd) { c.Stdout, c.WaitDelay = new(bytes.Buffer), time.Minute }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			c := execx.CommandContext(ctx, "true")
			tt.prepare(c)
			require.NoError(t, c.Start())
			proctest.Zombie(t, c.Process.Pid)
			cancel()
			proctest.Until(t, c.Interrupted, "the context has done nothing")
			assert.NoError(t, c.Wait())
			assert.NoError(t, c.Close())
		})
	}
}

// If the leader has exited, WaitDelay after a polite Cancel does not kill the processes it has left
// behind.
func TestEndedLeaderIsNotKilled(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	c := execx.CommandContext(ctx, "sh", "-c", "(read line; echo flushed) <&3 & exit 0")
	in, out, err := os.Pipe()
	require.NoError(t, err)
	c.ExtraFiles = []*os.File{in}
	c.Stdout = w
	c.ProcessGroup = true
	c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	require.NoError(t, c.Start())
	in.Close()
	w.Close()
	proctest.Zombie(t, c.Process.Pid)
	cancel()
	proctest.Until(t, c.Interrupted, "the context has done nothing")
	assert.NoError(t, c.Wait())
	out.Close()
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "flushed\n", string(rest))
	require.NoError(t, c.Close()) // the group is still needed until WaitDelay expires
}

// If commands exit at about their deadline, those that succeed return no error.
func TestDeadlineAtTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	const rounds, workers = 20, 32
	began := time.Now()
	for range workers {
		require.NoError(t, execx.Command("true").Run())
	}
	most := time.Since(began) // how long one of this many concurrent commands takes
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for j := range rounds {
				timeout := most * time.Duration(i*rounds+j) / (rounds * workers)
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				c := execx.CommandContext(ctx, "true")
				err := c.Run()
				cancel()
				if c.ProcessState != nil && c.ProcessState.Success() {
					assert.NoError(t, err)
				}
			}
		})
	}
	all.Wait()
}

// The Cancel set by the program is called even if the Cmd has been dropped.
func TestCancelOfDropped(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	func() {
		c := execx.CommandContext(ctx, "sh", "-c", "trap 'echo flushed; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
		c.Stdout = w
		c.KillOnClose = true
		c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
		c.WaitDelay = time.Minute
		require.NoError(t, c.Start())
	}()
	w.Close()
	ready := make([]byte, len("ready\n"))
	_, err = io.ReadFull(r, ready)
	require.NoError(t, err)
	collected(t)
	cancel()
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "flushed\n", string(rest))
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
}

// A long-lived context keeps no reference to commands that have ended.
func TestManyWithCancelUnderOneContext(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const n = 200
	for range n {
		c := execx.CommandContext(ctx, "true")
		c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
		require.NoError(t, c.Start())
	}
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
	assert.Empty(t, execx.Live())
}

// A command whose context was set by os/exec is reaped like any other.
func TestLiteralWithContextIsDropped(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(cancel func(), pid int)
	}{
		{"ends", func(_ func(), pid int) { syscall.Kill(pid, syscall.SIGKILL) }},
		{"is ended", func(cancel func(), _ int) { cancel() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			pid := func() int {
				c := &execx.Cmd{Cmd: *exec.CommandContext(ctx, "sleep", "1000")}
				c.Stdin = strings.NewReader("in")
				require.NoError(t, c.Start())
				return c.Process.Pid
			}()
			tt.end(cancel, pid)
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			cmdtest.DrainOrphans(t)
		})
	}
}

// The default Cancel of one command can be used as the Cancel of another.
func TestCancelOfAnother(t *testing.T) {
	literal := func(ctx context.Context, name string, arg ...string) (*exec.Cmd, runner) {
		c := &execx.Cmd{Cmd: *exec.CommandContext(ctx, name, arg...)}
		return &c.Cmd, c
	}
	for _, to := range append(slices.Clip(commanders), namedCommander{"literal", literal}) {
		for _, from := range commanders {
			t.Run(to.name+" from "+from.name, func(t *testing.T) {
				proctest.NoLeaks(t)
				first, r1 := from.command(t.Context(), "sleep", "1000")
				require.NoError(t, r1.Start())
				ctx, cancel := context.WithCancel(t.Context())
				c, r2 := to.command(ctx, "sleep", "1000")
				c.Cancel = first.Cancel
				require.NoError(t, r2.Start())
				cancel()
				assert.EqualError(t, r1.Wait(), "signal: killed")
				require.NoError(t, c.Process.Signal(syscall.Signal(0)))
				require.NoError(t, c.Process.Kill())
				assert.EqualError(t, r2.Wait(), "signal: killed")
			})
		}
	}
}

// If no watch can be added, what was kept for Cancel is still released.
func TestCancelIsKeptWithoutWatch(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	kept := func() weak.Pointer[execx.Cmd] {
		c := execx.CommandContext(ctx, "sleep", "1000")
		c.Cancel = func() error { return c.Kill() }
		require.NoError(t, c.Start())
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}))
		require.NoError(t, c.Kill())
		return weak.Make(c)
	}()
	proctest.Collect(t, func() bool { return kept.Value() == nil }, "not let go")
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not reaped")
}
