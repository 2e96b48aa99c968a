package execx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// killPidIn kills the process whose PID is in out, which the command has left behind.
func killPidIn(t *testing.T, out string) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	require.NoError(t, err)
	proctest.Kill(pid)
}

// The effects of Cancel, WaitDelay and the context on the result are the same as with os/exec.
func TestInterruption(t *testing.T) {
	const short = 10 * time.Millisecond
	terminate := func(c *exec.Cmd) func() error {
		return func() error { return c.Process.Signal(syscall.SIGTERM) }
	}
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, ctx context.Context, cancel func(), command commander) error
	}{
		{"killed", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			_, r := command(ctx, "sleep", "1000")
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"ended before the context", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			_, r := command(ctx, "true")
			require.NoError(t, r.Start())
			err := r.Wait()
			cancel()
			return err
		}},
		{"exits 0 when cancelled", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "read line")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = func() error { io.WriteString(stdin, "\n"); return nil }
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"exits 3 when cancelled", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "read line; exit 3")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = func() error { io.WriteString(stdin, "\n"); return nil }
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"Cancel fails", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "read line")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = func() error { io.WriteString(stdin, "\n"); return errors.New("no way") }
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"Cancel finds it done", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "read line")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = func() error { io.WriteString(stdin, "\n"); return os.ErrProcessDone }
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"ends before Cancel returns", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "read line")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = func() error {
				io.WriteString(stdin, "\n")
				proctest.Until(t, proctest.NoChildren, "not reaped")
				return errors.New("no way")
			}
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"no Cancel", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "read line; exit 4")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = nil
			require.NoError(t, r.Start())
			cancel()
			io.WriteString(stdin, "\n")
			return r.Wait()
		}},
		{"no Cancel, WaitDelay kills", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sleep", "1000")
			c.Cancel = nil
			c.WaitDelay = short
			require.NoError(t, r.Start())
			cancel()
			return r.Wait()
		}},
		{"Cancel is ignored, WaitDelay kills", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "trap '' TERM; echo; while :; do read line; done")
			c.WaitDelay = short
			stdout, err := r.StdoutPipe()
			require.NoError(t, err)
			_, err = r.StdinPipe()
			require.NoError(t, err)
			c.Cancel = terminate(c)
			require.NoError(t, r.Start())
			_, err = io.ReadFull(stdout, make([]byte, 1))
			require.NoError(t, err)
			cancel()
			return r.Wait()
		}},
		{"killed, pipe held open", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "sleep 1000 & echo $! >&2; exec sleep 1000")
			var stdout bytes.Buffer
			c.Stdout = &stdout
			c.WaitDelay = short
			stderr, err := r.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, r.Start())
			buf := make([]byte, 32)
			n, err := stderr.Read(buf)
			require.NoError(t, err)
			cancel()
			err = r.Wait()
			killPidIn(t, string(buf[:n]))
			stderr.Close()
			return err
		}},
		{"exits 0, pipe held open", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "sleep 1000 & echo $!")
			var stdout bytes.Buffer
			c.Stdout = &stdout
			c.WaitDelay = short
			err := r.Run()
			killPidIn(t, stdout.String())
			return err
		}},
		{"exits 3, pipe held open", func(t *testing.T, ctx context.Context, cancel func(), command commander) error {
			c, r := command(ctx, "sh", "-c", "sleep 1000 & echo $!; exit 3")
			var stdout bytes.Buffer
			c.Stdout = &stdout
			c.WaitDelay = short
			err := r.Run()
			killPidIn(t, stdout.String())
			return err
		}},
		{"no context, pipe held open", func(t *testing.T, _ context.Context, _ func(), command commander) error {
			c, r := command(nil, "sh", "-c", "sleep 1000 & echo $!")
			var stdout bytes.Buffer
			c.Stdout = &stdout
			c.WaitDelay = short
			err := r.Run()
			killPidIn(t, stdout.String())
			return err
		}},
		{"WaitDelay set after Start", func(t *testing.T, _ context.Context, _ func(), command commander) error {
			c, r := command(nil, "sh", "-c", "sleep 1000 & echo $!")
			var stdout bytes.Buffer
			c.Stdout = &stdout
			require.NoError(t, r.Start())
			c.WaitDelay = short
			err := r.Wait()
			killPidIn(t, stdout.String())
			return err
		}},
		{"input held open", func(t *testing.T, _ context.Context, _ func(), command commander) error {
			c, r := command(nil, "true")
			in, out := io.Pipe()
			c.Stdin = in
			require.NoError(t, r.Start())
			out.CloseWithError(errors.New("no input"))
			return r.Wait()
		}},
		{"output fails", func(t *testing.T, _ context.Context, _ func(), command commander) error {
			c, r := command(nil, "sh", "-c", "echo out || true")
			c.Stdout = failingWriter{}
			return r.Run()
		}},
		{"output fails, exits 3", func(t *testing.T, _ context.Context, _ func(), command commander) error {
			c, r := command(nil, "sh", "-c", "echo out || true; exit 3")
			c.Stdout = failingWriter{}
			return r.Run()
		}},
		{"input that is not read", func(t *testing.T, _ context.Context, _ func(), command commander) error {
			c, r := command(nil, "true")
			c.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
			return r.Run()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, func(t *testing.T, command commander) error {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				return tt.run(t, ctx, cancel, command)
			})
		})
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no room") }
