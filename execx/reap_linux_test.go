package execx_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

type namedCommander struct {
	name    string
	command commander
}

// commanders holds the two packages. Programs rely on the behaviour of os/exec.
var commanders = []namedCommander{{"exec", std}, {"execx", ours}}

// collected waits until all unreachable objects have been collected, including those that become
// unreachable by that: a dropped Cmd is collected before its os.Process.
func collected(t *testing.T) {
	t.Helper()
	for range 4 {
		found := make(chan struct{})
		runtime.AddCleanup(new([64]byte), func(found chan struct{}) { close(found) }, found)
		proctest.Collect(t, func() bool {
			select {
			case <-found:
				return true
			default:
				return false
			}
		}, "not found")
	}
}

// waitPID calls wait4(2).
func waitPID(pid int) (syscall.WaitStatus, error) {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			return status, err
		}
	}
}

// A program that keeps only the os.Process can get the exit status, however late.
func TestProcessIsKept(t *testing.T) {
	for _, pkg := range commanders {
		for _, ended := range []bool{false, true} {
			t.Run(pkg.name, func(t *testing.T) {
				proctest.NoLeaks(t)
				start := func() *os.Process {
					script := "read line; exit 3"
					if ended {
						script = "exit 3"
					}
					c, r := pkg.command(nil, "sh", "-c", script)
					in, w, err := os.Pipe()
					require.NoError(t, err)
					t.Cleanup(func() { w.Close() })
					c.Stdin = in
					defer in.Close()
					require.NoError(t, r.Start())
					if !ended {
						runtime.AddCleanup(c, func(w *os.File) { w.Close() }, w) // ends the process when c is collected
					}
					return c.Process
				}
				var all []*os.Process
				for range 50 {
					all = append(all, start())
				}
				for _, p := range all {
					proctest.Collect(t, func() bool { return proctest.State(p.Pid) == 'Z' }, "not ended")
				}
				collected(t)
				for _, p := range all {
					state, err := p.Wait()
					if assert.NoError(t, err) {
						assert.Equal(t, 3, state.ExitCode())
					}
				}
			})
		}
	}
}

// The process is reaped after the os.Process has been dropped, too.
func TestProcessIsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	before := execx.ReadStats().Leaked
	p := func() *os.Process {
		c := execx.Command("sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Start())
		return c.Process
	}()
	collected(t)
	assert.Zero(t, execx.Orphans())
	assert.NoError(t, p.Signal(syscall.Signal(0)), "it is not killed either")
	assert.Equal(t, before, execx.ReadStats().Leaked)
	runtime.KeepAlive(p)
	p = nil
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
	assert.Equal(t, before+1, execx.ReadStats().Leaked)
}

// A process that was waited for through its os.Process is not leaked.
func TestProcessIsDroppedAfterWait(t *testing.T) {
	proctest.NoLeaks(t)
	before := execx.ReadStats()
	func() {
		c := execx.Command("true")
		require.NoError(t, c.Start())
		p := c.Process
		c = nil
		collected(t)
		_, err := p.Wait()
		require.NoError(t, err)
	}()
	proctest.Collect(t, func() bool { return execx.ReadStats().Reaped == before.Reaped+1 }, "not noticed")
	assert.Equal(t, before.Leaked, execx.ReadStats().Leaked)
	assert.Empty(t, execx.Live())
}

func TestReleasedIsDropped(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
	}{
		{"plain", func(c *execx.Cmd) {}},
		{"KillOnClose", func(c *execx.Cmd) { c.Path, c.KillOnClose = "/bin/sleep", true }},
		{"Cancel", func(c *execx.Cmd) { c.Cancel = c.Kill }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range 50 {
				c := execx.CommandContext(ctx, "/bin/true", "1000")
				tt.prepare(c)
				require.NoError(t, c.Start())
				require.NoError(t, c.Process.Release())
			}
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			cmdtest.DrainOrphans(t)
		})
	}
}

func TestReleasedIsClosed(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	c.KillOnClose = true
	require.NoError(t, c.Start())
	require.NoError(t, c.Process.Release())
	require.NoError(t, c.Close())
	cmdtest.DrainOrphans(t)
}

// A program may refer to the process by something other than the os.Process of the Cmd, and use it
// to wait.
func TestNamedOtherwise(t *testing.T) {
	if !pidfd.Supported() {
		t.Skip("without pidfds, a process has nothing but a number")
	}
	for _, tt := range []struct {
		name string
		take func(c *execx.Cmd) (wait func() int)
	}{
		{"os.FindProcess", func(c *execx.Cmd) func() int {
			require.NoError(t, c.Start())
			p, err := os.FindProcess(c.Process.Pid)
			require.NoError(t, err)
			return func() int {
				state, err := p.Wait()
				require.NoError(t, err)
				return state.ExitCode()
			}
		}},
		{"SysProcAttr.PidFD", func(c *execx.Cmd) func() int {
			fd := -1
			c.SysProcAttr = &syscall.SysProcAttr{PidFD: &fd}
			c.ProcessGroup = true // creates another pidfd
			require.NoError(t, c.Start())
			return func() int {
				defer unix.Close(fd)
				var info unix.Siginfo
				require.NoError(t, unix.Waitid(unix.P_PIDFD, fd, &info, unix.WEXITED, nil))
				return 3
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			wait := func() func() int { return tt.take(execx.Command("sh", "-c", "exit 3")) }()
			proctest.Collect(t, func() bool { return execx.Orphans() == 1 }, "not dropped")
			for range 3 { // each run scans what was dropped before
				func() { require.NoError(t, execx.Command("true").Start()) }()
				proctest.Collect(t, func() bool { return len(proctest.Children()) == 1 }, "not reaped")
			}
			assert.Equal(t, 3, wait())
			cmdtest.DrainOrphans(t)
		})
	}
}

// A process that is not a child can't be waited for.
func TestNoChild(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		c, r := command(nil, "true")
		var err error
		c.Process, err = os.FindProcess(os.Getppid())
		require.NoError(t, err)
		defer c.Process.Release()
		return r.Wait()
	})
	proctest.NoLeaks(t)
	c := execx.Command("true")
	var err error
	c.Process, err = os.FindProcess(os.Getppid())
	require.NoError(t, err)
	defer c.Process.Release()
	done, err := c.TryWait()
	assert.True(t, done)
	assert.ErrorIs(t, err, syscall.ECHILD)
	assert.NoError(t, execx.AwaitExit(t.Context(), cmdtest.Start(t, "true").Process), "which any process can be waited for with")
}

// waitForPolling waits until all watched processes have been checked, which happens once a second.
// Such a check detects the release of a process.
func waitForPolling(t *testing.T) {
	t.Helper()
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	pid := c.Process.Pid
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Process.Release())
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	err, _ := proctest.Receive(t, result)
	require.EqualError(t, err, "signal: killed")
}

// A program may keep only the PID of a command.
func TestPIDIsKept(t *testing.T) {
	proctest.Slow(t)
	if !proctest.Apart(t, func(c *exec.Cmd) { c.Env = append(c.Env, "EXECX_TEST_FULL_GRACE=1") }) {
		return
	}
	for _, seen := range []bool{false, true} {
		for range 20 {
			pid := func() int {
				c := execx.Command("sleep", "1000")
				require.NoError(t, c.Start())
				return c.Process.Pid
			}()
			if seen { // by the garbage collector
				proctest.Collect(t, func() bool { return execx.Orphans() == 1 }, "not found")
			}
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			status, err := waitPID(pid)
			require.NoError(t, err)
			assert.Equal(t, syscall.SIGKILL, status.Signal())
		}
		proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
	}
	cmdtest.DrainOrphans(t)
}
