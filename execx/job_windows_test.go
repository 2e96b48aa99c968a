package execx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"go.execx.dev/execx"
	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

// handle returns a handle of a process, which reports its end even if the PID is reused.
func handle(t *testing.T, pid int) windows.Handle {
	t.Helper()
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
	require.NoError(t, err)
	t.Cleanup(func() {
		windows.TerminateProcess(h, 1)
		windows.CloseHandle(h)
	})
	return h
}

func ends(t *testing.T, h windows.Handle) {
	t.Helper()
	event, err := windows.WaitForSingleObject(h, uint32(proctest.Deadline.Milliseconds()))
	require.NoError(t, err)
	require.Equal(t, uint32(windows.WAIT_OBJECT_0), event, "it lives")
}

func lives(t *testing.T, h windows.Handle) {
	t.Helper()
	event, err := windows.WaitForSingleObject(h, 0)
	require.NoError(t, err)
	require.Equal(t, uint32(windows.WAIT_TIMEOUT), event, "it has ended")
}

// tree starts c, which prints the PIDs of n processes, and returns handles of them.
func tree(t *testing.T, c *execx.Cmd, n int) []windows.Handle {
	t.Helper()
	return handlesOf(t, startTree(t, c), n)
}

func startTree(t *testing.T, c *execx.Cmd) (numbers io.Reader) {
	t.Helper()
	numbers, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Kill(); c.Wait() })
	return numbers
}

// handlesOf returns handles of the n processes whose PIDs it reads from numbers, skipping other
// output of a test.
func handlesOf(t *testing.T, numbers io.Reader, n int) (handles []windows.Handle) {
	t.Helper()
	for lines := bufio.NewScanner(numbers); len(handles) < n && lines.Scan(); {
		if pid, err := strconv.Atoi(lines.Text()); err == nil {
			handles = append(handles, handle(t, pid))
		}
	}
	require.Len(t, handles, n)
	return handles
}

func TestTree(t *testing.T) {
	for _, tt := range []struct {
		name   string
		leaves []string
	}{{"all are there", nil}, {"the last is left", []string{"leaves"}}} {
		t.Run(tt.name, func(t *testing.T) {
			c := execx.Command("tree", append([]string{"3"}, tt.leaves...)...)
			c.ProcessGroup = true
			processes := tree(t, c, 3)
			if tt.leaves != nil {
				ends(t, processes[0])
			}
			lives(t, processes[2])
			require.NoError(t, c.Kill())
			for _, h := range processes {
				ends(t, h)
			}
			c.Wait()
			assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
		})
	}
}

func TestManyTrees(t *testing.T) {
	cmds, numbers := make([]*execx.Cmd, 50), make([]io.Reader, 50)
	for i := range cmds {
		cmds[i] = execx.Command("tree", "3")
		cmds[i].ProcessGroup = true
		numbers[i] = startTree(t, cmds[i])
	}
	var processes []windows.Handle
	for _, r := range numbers {
		processes = append(processes, handlesOf(t, r, 3)...)
	}
	for _, c := range cmds {
		assert.NoError(t, c.Kill())
	}
	for _, h := range processes {
		ends(t, h)
	}
}

// This program may itself be in a job.
func TestNestedJobs(t *testing.T) {
	if proctest.Rerunning() {
		c := execx.Command("tree", "2")
		c.ProcessGroup = true
		processes := tree(t, c, 2)
		require.NoError(t, c.Kill())
		for _, h := range processes {
			ends(t, h)
		}
		return
	}
	c := &execx.Cmd{Cmd: *proctest.Rerun(t)}
	c.ProcessGroup, c.KillOnExit = true, true
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// A process can't break away from its job.
func TestBreakaway(t *testing.T) {
	if proctest.Rerunning() {
		c := exec.Command("true")
		c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_BREAKAWAY_FROM_JOB}
		assert.ErrorIs(t, c.Run(), windows.ERROR_ACCESS_DENIED)
		return
	}
	c := &execx.Cmd{Cmd: *proctest.Rerun(t)}
	c.ProcessGroup = true
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

func TestContextOfTree(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "tree", "3")
	c.ProcessGroup = true
	c.GracePeriod = 100 * time.Millisecond
	processes := tree(t, c, 3)
	cancel()
	err := c.Wait()
	assert.Error(t, err)
	for _, h := range processes {
		ends(t, h)
	}
}

func TestShutdownOfReader(t *testing.T) {
	c := execx.Command("cat")
	c.ProcessGroup = true
	_, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	assert.NoError(t, c.Shutdown(t.Context()))
}

// The processes of a job that share the console get CTRL_BREAK.
func TestBreak(t *testing.T) {
	if !proctest.Apart(t, func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.CREATE_NEW_CONSOLE}
	}) {
		return
	}
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		pidfd.BreakEvent = windows.CTRL_C_EVENT // the only one that Wine sends
	}
	for _, tt := range []struct {
		name string
		end  func(c *execx.Cmd, cancel func()) error
	}{
		{"Signal", func(c *execx.Cmd, _ func()) error {
			if err := c.Signal(os.Interrupt); err != nil {
				return err
			}
			return c.Wait()
		}},
		{"Shutdown", func(c *execx.Cmd, _ func()) error {
			ctx, cancel := context.WithTimeout(t.Context(), proctest.Deadline)
			defer cancel()
			return c.Shutdown(ctx)
		}},
		{"GracePeriod", func(c *execx.Cmd, cancel func()) error {
			cancel()
			return c.Wait()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := execx.CommandContext(ctx, "break")
			c.ProcessGroup, c.GracePeriod = true, proctest.Deadline
			out, err := c.StdoutPipe()
			require.NoError(t, err)
			_, err = c.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			defer c.Kill()
			_, err = io.ReadFull(out, make([]byte, len("ready\n")))
			require.NoError(t, err)
			assert.EqualError(t, tt.end(c, cancel), "exit status 42")
		})
	}
}

// When this program is killed, so is everything started with KillOnExit, and all descendants.
func TestTreeIsKilledOnExit(t *testing.T) {
	if proctest.Rerunning() {
		c := execx.Command("tree", "2")
		c.KillOnExit = true
		c.Stdout = os.Stdout
		c.Run()
		return
	}
	host := &execx.Cmd{Cmd: *proctest.Rerun(t)}
	processes := tree(t, host, 2)
	lives(t, processes[1])
	require.NoError(t, host.Process.Kill())
	for _, h := range processes {
		ends(t, h)
	}
}

// A process that can't be put into a job is killed, rather than left suspended.
func TestJobRefused(t *testing.T) {
	for _, set := range []func(c *execx.Cmd){
		func(c *execx.Cmd) { c.ProcessGroup = true },
		func(c *execx.Cmd) { c.KillOnExit = true },
	} {
		var refused *os.Process
		execx.RefuseJobs(t, func(p *os.Process) { refused, _ = os.FindProcess(p.Pid) })
		c := execx.Command("sleep", "1000")
		set(c)
		var pathErr *os.PathError
		require.ErrorAs(t, c.Start(), &pathErr)
		assert.ErrorIs(t, pathErr, windows.ERROR_ACCESS_DENIED)
		assert.Nil(t, c.Process)
		require.NotNil(t, refused)
		defer refused.Release()
		require.NoError(t, refused.WithHandle(func(h uintptr) { ends(t, windows.Handle(h)) }))
	}
}

func TestCloseOfTree(t *testing.T) {
	for _, kills := range []bool{true, false} {
		t.Run(fmt.Sprint(kills), func(t *testing.T) {
			c := execx.Command("tree", "2", "leaves")
			c.ProcessGroup, c.KillOnClose = true, kills
			processes := tree(t, c, 2)
			require.NoError(t, c.Wait())
			require.NoError(t, c.Close())
			if kills {
				ends(t, processes[1])
			} else {
				lives(t, processes[1])
			}
		})
	}
}

// With KillOnExit set, KillOnClose still decides what Close does.
func TestKillOnExitAndClose(t *testing.T) {
	c := execx.Command("tree", "2", "leaves")
	c.ProcessGroup, c.KillOnExit = true, true
	processes := tree(t, c, 2)
	require.NoError(t, c.Wait())
	require.NoError(t, c.Close())
	lives(t, processes[1])
}
