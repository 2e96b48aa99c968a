package execx_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// lastPIDFile is the file that sets the PID after which the kernel starts to look for a free one.
// It exists if the kernel was built with CONFIG_CHECKPOINT_RESTORE.
const lastPIDFile = "/proc/sys/kernel/ns_last_pid"

// choosePIDs runs the test again in an environment in which it can choose PIDs.
func choosePIDs(t *testing.T) bool {
	t.Helper()
	if _, err := os.Stat(lastPIDFile); err != nil {
		t.Skip(err)
	}
	if !proctest.Apart(t, func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	}) {
		return false
	}
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	require.NoError(t, unix.Mount("proc", "/proc", "proc", 0, ""))
	return true
}

// startAs starts a shell whose PID is that of a process that is gone, with files as its standard
// input and so on.
func startAs(t *testing.T, pid int, script string, files ...*os.File) *os.Process {
	t.Helper()
	later := time.Now().Add(20 * time.Millisecond) // the clock of /proc ticks every ten
	proctest.Until(t, func() bool { return time.Now().After(later) }, "time stands still")
	attr := &os.ProcAttr{Files: files, Sys: &syscall.SysProcAttr{Setpgid: true}}
	var p *os.Process
	proctest.Until(t, func() bool { // another process may temporarily get the PID
		require.NoError(t, os.WriteFile(lastPIDFile, []byte(strconv.Itoa(pid-1)), 0))
		var err error
		p, err = os.StartProcess("/bin/sh", []string{"sh", "-c", script}, attr)
		require.NoError(t, err)
		if p.Pid != pid {
			p.Kill()
			p.Wait()
		}
		return p.Pid == pid
	}, "another process has the number")
	return p
}

// If its PID is reused for another child, a command does not affect that child.
func TestReleaseAndPIDReuse(t *testing.T) {
	if !choosePIDs(t) {
		return
	}
	for _, release := range []bool{true, false} {
		pid := func() int {
			c := execx.Command("true")
			require.NoError(t, c.Start())
			pid := c.Process.Pid
			if release {
				require.NoError(t, c.Process.Release())
			}
			_, err := waitPID(pid)
			require.NoError(t, err)
			return pid
		}()
		p := startAs(t, pid, "exit 3")
		proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
		state, err := p.Wait()
		require.NoError(t, err)
		assert.Equal(t, 3, state.ExitCode())
	}
}

// No signal is sent to a process that has got the PID of another one, however that was reaped:
// neither by the context of a dropped command nor to its group.
func TestNoSignalAfterPIDReuse(t *testing.T) {
	if !choosePIDs(t) {
		return
	}
	for _, group := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		var kept *execx.Cmd
		p := func() *os.Process {
			c := execx.CommandContext(ctx, "true")
			c.ProcessGroup = group
			require.NoError(t, c.Start())
			if group {
				kept = c
			}
			return c.Process
		}()
		pid := p.Pid
		collected(t)
		_, err := p.Wait()
		require.NoError(t, err)
		other := startAs(t, pid, "read line; exit 3")
		if group {
			assert.ErrorIs(t, kept.Signal(syscall.SIGKILL), os.ErrProcessDone)
		}
		cancel()
		state, err := other.Wait() // its standard input is closed
		require.NoError(t, err)
		assert.Equal(t, 3, state.ExitCode())
		runtime.KeepAlive(p)
		runtime.KeepAlive(kept)
	}
}
