package execx_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// asTracer locks the test to one thread, since only the tracing thread can control a traced
// process.
func asTracer(t *testing.T) {
	t.Helper()
	proctest.NeedsTraceStops(t)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}

// startTraced starts a process that is traced by the test.
func startTraced(t *testing.T, name string, arg ...string) *execx.Cmd {
	t.Helper()
	c := execx.Command(name, arg...)
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	require.NoError(t, c.Start())
	return c
}

// takeStop waits for a stop of the process, as its tracer does.
func takeStop(t *testing.T, pid int) {
	t.Helper()
	status, err := waitPID(pid)
	require.NoError(t, err)
	require.True(t, status.Stopped())
}

// stopped waits until a traced process has stopped.
func stopped(t *testing.T, pid int) {
	t.Helper()
	proctest.Until(t, func() bool { return proctest.State(pid) == 't' }, "not stopped")
}

// For a tracer, Wait returns at the first stop of the process, as with os/exec. After that, the
// tracer has to handle the process.
func TestPtrace(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		asTracer(t)
		c, r := command(nil, "sh", "-c", "exit 3")
		c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		require.NoError(t, r.Start())
		err := r.Wait()
		pid := c.ProcessState.Pid()
		assert.Equal(t, "stop signal: trace/breakpoint trap", c.ProcessState.String())
		require.NoError(t, syscall.PtraceCont(pid, 0))
		status, waitErr := waitPID(pid)
		require.NoError(t, waitErr)
		assert.Equal(t, 3, status.ExitStatus())
		return err
	})
}

// Before Wait is called, a stopped process counts as running, and its stop is left to the tracer.
func TestPtraceOfStopped(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sleep", "1000")
	c.Cancel = func() error { return c.Kill() } // checks the process
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	require.NoError(t, c.Start())
	pid := c.Process.Pid
	stopped(t, pid)
	assert.NoError(t, c.Signal(syscall.Signal(0)))
	assert.ErrorIs(t, execx.AwaitExit(cancelledContext(), c.Process), context.Canceled)
	waitForPolling(t)
	takeStop(t, pid)
	cancel()
	assert.EqualError(t, c.Wait(), "signal: killed")
}

// TryWait returns true when there is a stop, because Wait would return it.
func TestPtraceTryWait(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	c := startTraced(t, "sleep", "1000")
	pid := c.Process.Pid
	proctest.Until(t, func() bool { done, _ := c.TryWait(); return done }, "not done")
	assert.EqualError(t, c.Wait(), "stop signal: trace/breakpoint trap")
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	_, err := waitPID(pid)
	assert.NoError(t, err)
}

// A process traced from its start is never reaped, even if it is dropped, unless the program closes
// it.
func TestPtraceIsNotReaped(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	traced := func() *execx.Cmd { return startTraced(t, "sh", "-c", "exit 3") }
	pid := traced().Process.Pid
	proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not dropped")
	takeStop(t, pid)
	require.NoError(t, syscall.PtraceCont(pid, 0))
	proctest.Zombie(t, pid)
	waitForPolling(t)
	status, err := waitPID(pid)
	require.NoError(t, err)
	assert.Equal(t, 3, status.ExitStatus())

	c := traced()
	require.NoError(t, c.Close())
	status, err = waitPID(c.Process.Pid)
	require.NoError(t, err)
	assert.True(t, status.Stopped())
	require.NoError(t, syscall.PtraceDetach(c.Process.Pid))
	cmdtest.DrainOrphans(t)
}

// A process traced later is waited for until it ends, and its stops are left to the tracer.
func TestPtraceAttach(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	c := cmdtest.Start(t, "sleep", "1000")
	pid := c.Process.Pid
	result := c.WaitChan(t.Context())
	require.NoError(t, syscall.PtraceAttach(pid))
	stopped(t, pid)
	undelivered(t, c, result)
	assert.NoError(t, c.Signal(syscall.Signal(0)))
	assert.ErrorIs(t, execx.AwaitExit(cancelledContext(), c.Process), context.Canceled)
	waitForPolling(t)
	undelivered(t, c, result)
	takeStop(t, pid)
	require.NoError(t, syscall.PtraceDetach(pid))
	require.NoError(t, c.Kill())
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
}

// A cancelled wait takes no stop from the tracer.
func TestPtraceWaitGivesUp(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	c := startTraced(t, "sh", "-c", "exit 3")
	pid := c.Process.Pid
	stopped(t, pid)
	takeStop(t, pid)
	ctx, cancel := context.WithCancel(t.Context())
	given := c.WaitChan(ctx)
	cancel()
	err, _ := proctest.Receive(t, given)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, syscall.PtraceCont(pid, 0))
	proctest.Zombie(t, pid)
	waitForPolling(t)
	status, err := waitPID(pid)
	require.NoError(t, err)
	assert.Equal(t, 3, status.ExitStatus())
}

// When the command is closed, pending waits return, and a stop that they were about to return is
// not taken for an exit.
func TestPtraceCloseWhileWaiting(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		proctest.NoLeaks(t)
		asTracer(t)
		c := startTraced(t, "sleep", "1000")
		pid := c.Process.Pid
		takeStop(t, pid)
		require.NoError(t, syscall.PtraceCont(pid, 0))
		result := c.WaitChan(t.Context())
		if blocked {
			c.Block()
		}
		require.NoError(t, c.Close())
		err, _ := proctest.Receive(t, result)
		assert.Equal(t, execx.ErrClosed, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGUSR1)) // stops the process
		stopped(t, pid)
		if !blocked {
			waitForPolling(t)
			_, err := waitPID(pid)
			require.NoError(t, err)
		}
		assert.Equal(t, 1, execx.Orphans())
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		cmdtest.DrainOrphans(t)
	}
}

// As with os/exec, a context ends its process, even if the command has been dropped.
func TestPtraceContextOfDropped(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
	}{
		{"default", func(c *execx.Cmd) {}},
		{"Cancel", func(c *execx.Cmd) { c.Cancel = func() error { return c.Signal(syscall.SIGKILL) } }},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		pid := func() int {
			c := execx.CommandContext(ctx, "sleep", "1000")
			c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
			tt.prepare(c)
			require.NoError(t, c.Start())
			return c.Process.Pid
		}()
		collected(t)
		takeStop(t, pid)
		cancel()
		status, err := waitPID(pid)
		require.NoError(t, err)
		assert.Equal(t, syscall.SIGKILL, status.Signal(), tt.name)
	}
	proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not let go")
}

func cancelledContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
