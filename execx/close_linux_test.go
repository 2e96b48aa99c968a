package execx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// assertClosed asserts that every waiting method returns ErrClosed.
func assertClosed(t *testing.T, c *execx.Cmd) {
	t.Helper()
	assert.Equal(t, execx.ErrClosed, c.Wait())
	assert.Equal(t, execx.ErrClosed, c.WaitContext(t.Context()))
	err, _ := proctest.Receive(t, c.WaitChan(t.Context()))
	assert.Equal(t, execx.ErrClosed, err)
	done, err := c.TryWait()
	assert.True(t, done)
	assert.Equal(t, execx.ErrClosed, err)
	assert.Equal(t, execx.ErrClosed, c.Shutdown(t.Context()))
	assert.ErrorIs(t, c.Wait(), os.ErrClosed)
	assert.NoError(t, c.Close(), "again")
}

func TestCloseBeforeStart(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	assert.NoError(t, c.Close())
	assert.NoError(t, c.Run(), "the command is as good as new")
	assert.NoError(t, c.Close())
}

func TestCloseAfterFailedStart(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("no-such-program")
	assert.Error(t, c.Start())
	assert.NoError(t, c.Close())
	assert.EqualError(t, c.Wait(), "exec: not started")
}

func TestCloseRunning(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	require.NoError(t, c.Close())
	assertClosed(t, c)
	assert.Nil(t, c.ProcessState)
	assert.Equal(t, 1, execx.Orphans())
	assert.NoError(t, c.Signal(syscall.Signal(0)), "it lives on")
	require.NoError(t, c.Signal(syscall.SIGTERM))
	cmdtest.DrainOrphans(t)
	assert.Zero(t, proctest.State(c.Process.Pid))
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
	assertClosed(t, c)
	assert.Nil(t, c.ProcessState)
}

func TestCloseEnded(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	require.NoError(t, c.Close())
	assertClosed(t, c)
	cmdtest.DrainOrphans(t)
	assert.Empty(t, proctest.Children())
}

func TestCloseReapedWhileCopying(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "sleep 1000 & echo $!")
	pid := make(chunks, 1)
	c.Stdout = pid // the process left behind holds it open
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	defer killPidIn(t, <-pid)
	proctest.Until(t, proctest.NoChildren, "not reaped")
	require.NoError(t, c.Close())
	err, _ := proctest.Receive(t, result)
	assert.Equal(t, execx.ErrClosed, err)
	assertClosed(t, c)
	assert.Zero(t, execx.Orphans())
}

func TestCloseAfterResult(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "exit 3")
	c.KillOnClose = true
	want := c.Run()
	require.NoError(t, c.Close())
	assert.Equal(t, want, c.Wait(), "the result stands")
	assert.Equal(t, want, c.Shutdown(t.Context()))
	assert.Equal(t, 3, c.ProcessState.ExitCode())
	assert.Zero(t, execx.Orphans())
}

func TestCloseWhileManyWait(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	errs := make(chan error, 20)
	for range 10 {
		go func() { errs <- c.Wait() }()
		go func() { errs <- c.WaitContext(t.Context()) }()
	}
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Close())
	for range cap(errs) {
		err, _ := proctest.Receive(t, errs)
		assert.Equal(t, execx.ErrClosed, err)
		assert.ErrorIs(t, err, os.ErrClosed)
	}
	err, ok := proctest.Receive(t, result)
	assert.True(t, ok)
	assert.Equal(t, execx.ErrClosed, err)
	_, ok = proctest.Receive(t, result)
	assert.False(t, ok)
	require.NoError(t, c.Kill())
	cmdtest.DrainOrphans(t)
}

// With concurrent calls of Close, the process is queued once.
func TestCloseConcurrently(t *testing.T) {
	proctest.NoLeaks(t)
	for range 20 {
		c := execx.Command("sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Start())
		var closers sync.WaitGroup
		for range 10 {
			closers.Go(func() { assert.NoError(t, c.Close()) })
		}
		closers.Wait()
		assertClosed(t, c)
		assert.LessOrEqual(t, execx.Orphans(), 1)
		cmdtest.DrainOrphans(t)
	}
}

func TestCloseStopsCopying(t *testing.T) {
	proctest.NoLeaks(t)
	r, w := io.Pipe()
	c := execx.Command("yes")
	c.Stdout, c.Stderr = w, new(bytes.Buffer)
	require.NoError(t, c.Start())
	_, err := io.ReadFull(r, make([]byte, 2))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	r.Close()               // the caller has to unblock a blocked writer
	cmdtest.DrainOrphans(t) // the process gets SIGPIPE
	assertClosed(t, c)
}

func TestCloseClosesPipes(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "while :; do sleep 0.01; done")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	stderr, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	reading := make(chan error, 2)
	for _, r := range []io.Reader{stdout, stderr} {
		go func() {
			_, err := r.Read(make([]byte, 1))
			reading <- err
		}()
	}
	require.NoError(t, c.Close())
	for range cap(reading) {
		err, _ := proctest.Receive(t, reading)
		assert.ErrorIs(t, err, os.ErrClosed)
	}
	_, err = stdout.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrClosed)
	_, err = stderr.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrClosed)
	_, err = stdin.Write([]byte("x"))
	assert.ErrorIs(t, err, os.ErrClosed)
	require.NoError(t, c.Kill())
	cmdtest.DrainOrphans(t)
}

// Data left in a pipe when the result is known can still be read.
func TestCloseAfterResultLeavesPipes(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("echo", "out")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Run())
	require.NoError(t, c.Close())
	out, err := io.ReadAll(stdout)
	assert.NoError(t, err)
	assert.Equal(t, "out\n", string(out))
	assert.NoError(t, c.Wait())
}

func TestContextGovernsClosed(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sh", "-c", "trap '' TERM; echo; while :; do sleep 0.01; done")
	ready := make(chunks, 1)
	c.Stdout = ready
	c.WaitDelay = 10 * time.Millisecond
	canceled := make(chan struct{})
	c.Cancel = func() error { close(canceled); return c.Signal(syscall.SIGTERM) }
	require.NoError(t, c.Start())
	proctest.Receive(t, ready)
	require.NoError(t, c.Close())
	assert.Equal(t, 1, execx.Orphans())
	cancel()
	proctest.Receive(t, canceled)
	cmdtest.DrainOrphans(t) // after WaitDelay
	assertClosed(t, c)
}

func TestKillOnClose(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	c.KillOnClose = true
	require.NoError(t, c.Start())
	require.NoError(t, c.Close())
	cmdtest.DrainOrphans(t)
	assertClosed(t, c)
}

func TestCloseStartedThroughEmbedded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
	}{
		{"plain", func(c *execx.Cmd) {}},
		{"copying", func(c *execx.Cmd) { c.Stdout = new(bytes.Buffer) }},
		{"pipes", func(c *execx.Cmd) { c.StdoutPipe() }},
		{"context", func(c *execx.Cmd) {
			c.Cmd = *exec.CommandContext(t.Context(), c.Path, c.Args[1:]...)
			c.Cancel = func() error { return errors.New("no way") }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := execx.Command("sleep", "1000")
			c.KillOnClose = true
			tt.prepare(c)
			require.NoError(t, c.Cmd.Start())
			require.NoError(t, c.Close())
			cmdtest.DrainOrphans(t)
			assertClosed(t, c)
		})
	}
}

// WaitDelay starts when the process is reaped and its output has not been fully read. After Close,
// it has no effect.
func TestCloseEndsWaitDelay(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("echo", "unread")
	c.ProcessGroup = true
	c.WaitDelay = time.Hour
	_, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	require.NoError(t, c.Wait())
	require.NoError(t, c.Close())
}
