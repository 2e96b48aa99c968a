package execx_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// The runtime does not report a deadlock in a program that only waits for processes.
func TestNothingButWait(t *testing.T) {
	if proctest.Rerunning() {
		require.NoError(t, execx.Command("sleep", "0.1").Run())
		return
	}
	out, err := proctest.Rerun(t).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// A few threads wait for many children.
func TestFewThreads(t *testing.T) {
	const n = 70
	before := proctest.Threads(t)
	results := make(chan error, n)
	cmds := make([]*execx.Cmd, n)
	for i := range cmds {
		cmds[i] = execx.Command("sleep", "1000")
		require.NoError(t, cmds[i].Start())
		cmds[i].AfterWait(func(err error) { results <- err })
	}
	assert.LessOrEqual(t, proctest.Threads(t), before+n/60+8)
	for _, c := range cmds {
		require.NoError(t, c.Kill())
	}
	for range cmds {
		<-results
	}
}

// Cancelled waits leave no thread behind.
func TestGivenUpWaits(t *testing.T) {
	proctest.Slow(t) // the pool ends its threads after some idle seconds
	proctest.NoLeaks(t)
	const n = 50
	cmds := make([]*execx.Cmd, n)
	for i := range cmds {
		cmds[i] = startSleep(t)
	}
	before := proctest.Threads(t)
	ctx, giveUp := context.WithCancel(t.Context())
	results := make(chan error, n)
	for _, c := range cmds {
		go func() { results <- c.WaitContext(ctx) }()
	}
	proctest.Until(t, func() bool {
		return !slices.ContainsFunc(execx.Live(), func(info execx.CmdInfo) bool { return info.State != execx.StateWaited })
	}, "nobody waits")
	giveUp()
	for range cmds {
		err, _ := proctest.Receive(t, results)
		assert.ErrorIs(t, err, context.Canceled)
	}
	proctest.Until(t, func() bool { return proctest.Threads(t) <= before+n/5 }, "threads: were %d", before)
	for _, c := range cmds {
		require.NoError(t, c.Kill())
		assert.EqualError(t, c.Wait(), proctest.Killed)
	}
}

// startSleep starts a command that is killed at the end of the test.
func startSleep(t *testing.T) *execx.Cmd {
	t.Helper()
	var c *execx.Cmd
	proctest.UntilStarted(t, func() error {
		c = execx.Command("sleep", "1000")
		return c.Start()
	})
	t.Cleanup(func() { c.Kill() })
	return c
}

// A process that the program itself has created suspended stays suspended.
func TestSuspended(t *testing.T) {
	c := execx.Command("true")
	c.ProcessGroup = true
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_SUSPENDED}
	require.NoError(t, c.Start())
	defer c.Kill()
	assert.Equal(t, uint32(windows.CREATE_SUSPENDED), c.SysProcAttr.CreationFlags, "it is not written to")
	thread := threadOf(t, c.Process.Pid)
	defer windows.CloseHandle(thread)
	suspended, err := windows.ResumeThread(thread)
	require.NoError(t, err)
	assert.Equal(t, uint32(1), suspended)
	assert.NoError(t, c.Wait())
}

// threadOf returns a handle of the only thread of a process that has not run.
func threadOf(t *testing.T, pid int) windows.Handle {
	t.Helper()
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	require.NoError(t, err)
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if int(entry.OwnerProcessID) == pid {
			thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
			require.NoError(t, err)
			return thread
		}
	}
	require.NoError(t, err)
	return 0
}

func TestSignals(t *testing.T) {
	for _, group := range []bool{false, true} {
		c := execx.Command("sleep", "1000")
		c.ProcessGroup = group
		require.NoError(t, c.Start())
		h := handle(t, c.Process.Pid)
		assert.NoError(t, c.Signal(syscall.Signal(0)), "it is there")
		assert.Equal(t, syscall.Errno(syscall.EWINDOWS), c.Signal(syscall.SIGTERM), "as os says")
		assert.NoError(t, c.Kill())
		assert.NoError(t, ignoreDone(c.Kill()), "it may be about to end")
		ends(t, h)
		proctest.Until(t, func() bool { return c.Signal(syscall.Signal(0)) == os.ErrProcessDone }, "it is there")
		assert.Equal(t, os.ErrProcessDone, c.Kill())
		assert.EqualError(t, c.Wait(), proctest.Killed)
	}
}

func ignoreDone(err error) error {
	if err == os.ErrProcessDone {
		return nil
	}
	return err
}

func TestDropped(t *testing.T) {
	before := execx.ReadStats()
	var h windows.Handle
	func() {
		c := execx.Command("sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Start())
		h = handle(t, c.Process.Pid)
	}()
	proctest.Collect(t, func() bool { return execx.ReadStats().Reaped > before.Reaped }, "it is not found")
	ends(t, h)
	assert.Equal(t, before.Leaked+1, execx.ReadStats().Leaked)
	require.NoError(t, execx.DrainOrphans(t.Context()))
	assert.Empty(t, execx.Live())
}

// If package os waits for the process, the status stays available, because it is kept as long as
// there is a handle.
func TestWaitedForByOS(t *testing.T) {
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	go c.Process.Wait()
	require.NoError(t, c.Kill())
	<-result
	require.NotNil(t, c.ProcessState)
	assert.Equal(t, 1, c.ProcessState.ExitCode())
}

// Release does not disturb a pending Wait.
func TestReleased(t *testing.T) {
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	h := handle(t, c.Process.Pid)
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Process.Release())
	require.NoError(t, windows.TerminateProcess(h, 7))
	exitErr, ok := errors.AsType[*execx.ExitError](<-result)
	require.True(t, ok)
	assert.Equal(t, 7, exitErr.ExitCode())
}

// After a process has ended, no reader of its output waits for the processes it has left behind.
func TestStdoutPipeOfDaemon(t *testing.T) {
	for range 10 {
		c := execx.Command("tree", "2", "leaves")
		c.ProcessGroup, c.KillOnClose = true, true
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		lines, ended := make(chan string, 2), make(chan error)
		go func() {
			scanner := bufio.NewScanner(out)
			for scanner.Scan() { // two lines, then the end
				lines <- scanner.Text()
			}
			ended <- scanner.Err()
		}()
		proctest.Receive(t, lines)
		proctest.Receive(t, lines)
		require.NoError(t, c.Wait())
		err, _ = proctest.Receive(t, ended)
		assert.NoError(t, err)
		require.NoError(t, c.Close())
	}
}
