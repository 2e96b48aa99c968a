//go:build unix

package execx_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestSignal(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "trap 'exit 42' TERM; echo ready; while :; do sleep 0.01; done")
	assert.EqualError(t, c.Signal(syscall.SIGTERM), "exec: not started")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = io.ReadFull(stdout, make([]byte, len("ready\n")))
	require.NoError(t, err)
	require.NoError(t, c.Signal(syscall.SIGTERM))
	assert.EqualError(t, c.Wait(), "exit status 42")
	assert.ErrorIs(t, c.Signal(syscall.SIGTERM), os.ErrProcessDone)
}

// Output that arrives while Cancel is still running is not cut off by WaitDelay.
func TestWaitDelayBeginsAfterCancel(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		ctx, cancel := context.WithCancel(t.Context())
		c, r := command(ctx, "sh", "-c", "cat <&3 & read line")
		late, write, err := os.Pipe()
		require.NoError(t, err)
		defer write.Close()
		c.ExtraFiles = []*os.File{late}
		stdin, err := r.StdinPipe()
		require.NoError(t, err)
		stdout, output := io.Pipe()
		c.Stdout = output
		c.WaitDelay = time.Nanosecond
		c.Cancel = func() error {
			stdin.Close()
			proctest.Until(t, func() bool { return c.Process.Signal(syscall.Signal(0)) == os.ErrProcessDone }, "not reaped")
			io.WriteString(write, "late\n")
			line, err := bufio.NewReader(stdout).ReadString('\n')
			assert.NoError(t, err)
			assert.Equal(t, "late\n", line)
			write.Close()
			return nil
		}
		require.NoError(t, r.Start())
		require.NoError(t, late.Close())
		result := make(chan error, 1)
		go func() { result <- r.Wait() }()
		cancel()
		err, _ = proctest.Receive(t, result)
		if errors.Is(err, execx.ErrWaitDelay) {
			err = nil // WaitDelay may expire before the copying is complete
		}
		return err
	})
}

func TestStdoutPipeClose(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("yes")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "y\n", line)
	require.NoError(t, stdout.Close())
	assert.EqualError(t, c.Wait(), "signal: broken pipe")
	_, err = stdout.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrClosed)
}

// A nil Stdin can't be written to, and a nil Stdout or Stderr can't be read.
func TestNilTheOtherWay(t *testing.T) {
	for _, script := range []string{
		`echo in >&0`,
		`cat <&1`,
		`cat <&2`,
	} {
		compare(t, func(t *testing.T, command commander) error {
			_, c := command(nil, "sh", "-c", script)
			return c.Run()
		})
	}
}

// Shared descriptors are neither closed nor inherited.
func TestNilAgain(t *testing.T) {
	for range 2 {
		_, c := ours(t.Context(), "true")
		require.NoError(t, c.Run())
	}
	var inherited []string
	compare(t, func(t *testing.T, command commander) error {
		_, c := command(nil, "ls", "/dev/fd/")
		out, err := c.Output()
		inherited = append(inherited, string(out))
		return err
	})
	assert.Equal(t, inherited[0], inherited[1])
}
