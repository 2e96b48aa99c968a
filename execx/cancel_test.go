package execx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// The result of Cancel matters only if the process would otherwise have succeeded.
func TestResultOfCancel(t *testing.T) {
	for _, tt := range []struct {
		name     string
		canceled error
	}{
		{"nil", nil},
		{"failure", errors.New("no way")},
		{"done", os.ErrProcessDone},
		{"done, wrapped", fmt.Errorf("too late: %w", os.ErrProcessDone)},
		{"canceled", context.Canceled},
		{"failure, wrapped", fmt.Errorf("no: %w", os.ErrPermission)},
	} {
		for _, exit := range []string{"exit 0", "exit 3", "kill -9 $$"} {
			t.Run(tt.name+", "+exit, func(t *testing.T) {
				compare(t, func(t *testing.T, command commander) error {
					ctx, cancel := context.WithCancel(t.Context())
					c, r := command(ctx, "sh", "-c", "read line; "+exit)
					stdin, err := r.StdinPipe()
					require.NoError(t, err)
					c.Cancel = func() error { io.WriteString(stdin, "\n"); return tt.canceled }
					require.NoError(t, r.Start())
					cancel()
					return r.Wait()
				})
			})
		}
	}
}

func TestDeadline(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cancel func(stdin io.Writer) error
	}{
		{"exits 0", func(stdin io.Writer) error { _, err := io.WriteString(stdin, "\n"); return err }},
		{"fails", func(stdin io.Writer) error { io.WriteString(stdin, "\n"); return errors.New("no way") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, func(t *testing.T, command commander) error {
				for timeout := time.Millisecond; ; timeout *= 2 {
					ctx, stop := context.WithTimeout(t.Context(), timeout)
					defer stop()
					c, r := command(ctx, "sh", "-c", "read line")
					stdin, err := r.StdinPipe()
					require.NoError(t, err)
					c.Cancel = func() error { return tt.cancel(stdin) }
					if err := r.Start(); err != nil {
						require.ErrorIs(t, err, context.DeadlineExceeded) // before the process was started
						continue
					}
					return r.Wait()
				}
			})
		})
	}
}

// A process left behind holds the pipe open when the context is done, whatever Cancel does and
// returns.
func TestWaitDelayAfterCancel(t *testing.T) {
	delay := 10 * time.Millisecond
	if runtime.GOOS == "windows" { // where os/exec hangs if it is between two reads when WaitDelay ends
		delay = 200 * time.Millisecond
	}
	for _, tt := range []struct {
		name   string
		cancel func() error
	}{
		{"Cancel does nothing", func() error { return nil }},
		{"Cancel fails", func() error { return errors.New("no way") }},
		{"Cancel finds it done", func() error { return os.ErrProcessDone }},
		{"no Cancel", nil},
	} {
		for _, script := range []string{"exit 0", "exit 3", "exec sleep 1000"} {
			t.Run(tt.name+", "+script, func(t *testing.T) {
				compare(t, func(t *testing.T, command commander) error {
					ctx, stop := context.WithCancel(t.Context())
					c, r := command(ctx, "sh", "-c", "sleep 1000 & echo $!; "+script)
					stdout := make(chunks, 1)
					c.Stdout = stdout
					c.Cancel = tt.cancel
					c.WaitDelay = delay
					require.NoError(t, r.Start())
					defer killPidIn(t, <-stdout)
					if script == "exec sleep 1000" {
						stop()
					} else {
						defer stop()
					}
					return r.Wait()
				})
			})
		}
	}
}

func TestContextDoneBeforeStart(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c, r := command(ctx, "true")
		c.Cancel = func() error { panic("called") }
		c.Stdin, c.Stderr = new(bytes.Buffer), new(bytes.Buffer)
		stdout, err := r.StdoutPipe()
		require.NoError(t, err)
		err = r.Start()
		_, readErr := stdout.Read(make([]byte, 1))
		assert.ErrorIs(t, readErr, os.ErrClosed)
		assert.Nil(t, c.Process)
		return err
	})
}

// Cancel may set WaitDelay, as with os/exec, where Wait reads it only after that. Only the race
// detector can tell that it is not read before.
func TestCancelSetsWaitDelay(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sleep", "1000")
	canceling, waiting := make(chan bool), make(chan bool)
	c.Cancel = func() error {
		close(canceling)
		c.WaitDelay = time.Millisecond
		<-waiting
		return nil
	}
	require.NoError(t, c.Start())
	cancel()
	<-canceling
	result := c.WaitChan(t.Context())
	close(waiting)
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, proctest.Killed)
}

// Cancel is called once, and not after the process has been reaped.
func TestCancelIsCalledOnce(t *testing.T) {
	proctest.NoLeaks(t)
	for _, reapFirst := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		c := execx.CommandContext(ctx, "sleep", "1000")
		calls := make(chan struct{}, 10)
		c.Cancel = func() error { calls <- struct{}{}; return c.Kill() }
		require.NoError(t, c.Start())
		want := 1
		if reapFirst {
			want = 0
			require.NoError(t, c.Kill())
			assert.EqualError(t, c.Wait(), proctest.Killed)
		}
		cancel()
		assert.EqualError(t, c.Wait(), proctest.Killed)
		require.NoError(t, c.Close())
		assert.Len(t, calls, want)
	}
}
