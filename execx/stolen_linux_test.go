package execx_test

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// steal reaps the process, as wait4(-1) elsewhere in the program would.
func steal(t *testing.T, pid int) {
	t.Helper()
	for {
		n, err := syscall.Wait4(pid, nil, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		require.NoError(t, err)
		require.Equal(t, pid, n)
		return
	}
}

// needsStolenStatus skips the test if the kernel does not keep the status of a process that was
// reaped by other code.
func needsStolenStatus(t *testing.T) {
	t.Helper()
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	steal(t, p.Pid)
	ok := false
	p.WithHandle(func(handle uintptr) {
		info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
		err := unix.IoctlPidfdInfo(int(handle), &info)
		ok = err == nil && info.Mask&unix.PIDFD_INFO_EXIT != 0
	})
	if !ok {
		t.Skip("needs pidfds and Linux 6.15, which remembers the status of a process that was reaped")
	}
}

// endings holds scripts and the ways in which they end.
var endings = []struct {
	name   string
	script string
	err    string // "" for none
	code   int
}{
	{"exit 0", "cat", "", 0},
	{"exit 3", "cat; exit 3", "exit status 3", 3},
	{"exit 255", "cat; exit 255", "exit status 255", 255},
	{"killed", "cat; kill -9 $$", "signal: killed", -1},
	{"terminated", "cat; kill -15 $$", "signal: terminated", -1},
}

// assertStolen asserts that err and the ProcessState are as if the process had been reaped by c.
func assertStolen(t *testing.T, c *execx.Cmd, err error, want string, code int) {
	t.Helper()
	state := c.ProcessState
	require.NotNil(t, state)
	assert.Equal(t, code, state.ExitCode())
	assert.Equal(t, want == "", state.Success())
	assert.NotZero(t, state.Pid())
	assert.Zero(t, state.UserTime()+state.SystemTime())
	assert.NotNil(t, state.SysUsage())
	if want == "" {
		assert.NoError(t, err)
		assert.Equal(t, "exit status 0", state.String())
		return
	}
	assert.EqualError(t, err, want)
	exitErr, ok := errors.AsType[*execx.ExitError](err)
	if assert.True(t, ok, "%T", err) {
		assert.Same(t, state, exitErr.ProcessState)
		assert.Equal(t, code, exitErr.ExitCode())
	}
}

func TestStolen(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name+", while others wait", func(t *testing.T) {
			needsStolenStatus(t)
			proctest.NoLeaks(t)
			c := execx.Command("sh", "-c", e.script)
			stdin, err := c.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			require.NoError(t, c.Signal(syscall.SIGSTOP)) // gives the thief a fair chance
			results := []<-chan error{c.WaitChan(t.Context()), c.WaitChan(t.Context())}
			stdin.Close()
			go c.Signal(syscall.SIGCONT)
			// This goroutine may lose the race, but not always.
			_, stealErr := syscall.Wait4(c.Process.Pid, nil, 0, nil)
			for _, result := range results {
				err, _ := proctest.Receive(t, result)
				assert.Equal(t, c.Wait(), err)
				if stealErr == nil {
					assertStolen(t, c, err, e.err, e.code)
				}
			}
			releaseStolen(c)
		})
		t.Run(e.name+", before anybody waits", func(t *testing.T) {
			needsStolenStatus(t)
			proctest.NoLeaks(t)
			c := execx.Command("sh", "-c", e.script)
			require.NoError(t, c.Start())
			steal(t, c.Process.Pid)
			assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
			done, err := c.TryWait()
			assert.True(t, done)
			assertStolen(t, c, err, e.err, e.code)
			assert.Equal(t, err, c.Wait())
			assert.Equal(t, err, c.Shutdown(t.Context()))
			assert.NoError(t, c.Close())
			releaseStolen(c)
		})
		t.Run(e.name+", with output", func(t *testing.T) {
			needsStolenStatus(t)
			proctest.NoLeaks(t)
			c := execx.Command("sh", "-c", "echo out; "+e.script)
			out := make(chunks, 1)
			c.Stdout = out
			require.NoError(t, c.Start())
			steal(t, c.Process.Pid)
			assertStolen(t, c, c.Wait(), e.err, e.code)
			assert.Equal(t, "out\n", <-out)
			releaseStolen(c)
		})
	}
}

// releaseStolen closes the descriptor that package os keeps for a process reaped by other code,
// instead of leaving it to the garbage collector.
func releaseStolen(c *execx.Cmd) { c.Process.Release() }

func TestStolenOrphan(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	require.NoError(t, c.Close())
	go c.Kill()
	syscall.Wait4(c.Process.Pid, nil, 0, nil)
	cmdtest.DrainOrphans(t)
	releaseStolen(c)
}

// If SIGCHLD is ignored, the kernel reaps.
func TestStolenByKernel(t *testing.T) {
	if !proctest.Rerunning() {
		needsStolenStatus(t)
		out, err := proctest.Rerun(t).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	signal.Ignore(syscall.SIGCHLD)
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			for range 10 {
				c := execx.Command("sh", "-c", e.script)
				assertStolen(t, c, c.Run(), e.err, e.code)

				c = execx.Command("sh", "-c", "echo out; "+e.script)
				out, err := c.Output()
				assertStolen(t, c, err, e.err, e.code)
				assert.Equal(t, "out\n", string(out))

				c = execx.Command("sh", "-c", e.script)
				require.NoError(t, c.Start())
				require.NoError(t, c.Close())
				cmdtest.DrainOrphans(t)
			}
		})
	}
}
