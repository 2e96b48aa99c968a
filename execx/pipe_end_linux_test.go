package execx_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// withDaemon returns a command that leaves behind a process which holds its output until the test
// ends.
func withDaemon(t *testing.T, script string) *execx.Cmd {
	hold, held, err := os.Pipe()
	require.NoError(t, err)
	c := execx.Command("sh", "-c", "cat <&3 & "+script)
	c.ExtraFiles = []*os.File{hold}
	t.Cleanup(func() { hold.Close(); held.Close() })
	return c
}

// When the result is known, readers do not wait for a daemon: blocked readers are woken and get the
// data written before.
func TestReadersAreWoken(t *testing.T) {
	for _, tt := range []struct {
		name string
		read func(t *testing.T, r io.Reader) (string, error)
	}{
		{"Read", func(t *testing.T, r io.Reader) (string, error) {
			b, err := io.ReadAll(struct{ io.Reader }{r})
			return string(b), err
		}},
		{"WriteTo", func(t *testing.T, r io.Reader) (string, error) {
			var b bytes.Buffer
			_, err := io.Copy(&b, r)
			return b.String(), err
		}},
		{"to a file", func(t *testing.T, r io.Reader) (string, error) {
			f, err := os.Create(t.TempDir() + "/file")
			require.NoError(t, err)
			defer f.Close()
			_, err = io.Copy(f, r)
			b, _ := os.ReadFile(f.Name())
			return string(b), err
		}},
		{"to a socket", func(t *testing.T, r io.Reader) (string, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			conn, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			other, err := l.Accept()
			require.NoError(t, err)
			defer other.Close()
			_, err = io.Copy(conn, r)
			conn.Close()
			b, _ := io.ReadAll(other)
			return string(b), err
		}},
		{"after a deadline", func(t *testing.T, r io.Reader) (string, error) {
			d := r.(interface{ SetReadDeadline(time.Time) error })
			require.NoError(t, d.SetReadDeadline(time.Unix(1, 0)))
			_, err := r.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.NoError(t, d.SetReadDeadline(time.Time{}))
			b, err := io.ReadAll(r)
			return string(b), err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := withDaemon(t, "printf begin; read line; printf end")
			stdin, err := c.StdinPipe()
			require.NoError(t, err)
			stdout, err := c.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			type outcome struct {
				s   string
				err error
			}
			outcomes := make(chan outcome, 1)
			go func() {
				s, err := tt.read(t, stdout)
				outcomes <- outcome{s, err}
			}()
			stdin.Close()
			require.NoError(t, c.Wait())
			got, _ := proctest.Receive(t, outcomes)
			assert.NoError(t, got.err)
			assert.Equal(t, "beginend", got.s)
			_, err = stdout.Read(make([]byte, 1))
			assert.Equal(t, io.EOF, err)
			assert.NoError(t, c.Close())
		})
	}
}

// A deadline set by the program also applies after the command has ended.
func TestDeadlineAfterTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("echo", "out")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Run())
	d := stdout.(interface{ SetDeadline(time.Time) error })
	require.NoError(t, d.SetDeadline(time.Unix(1, 0)))
	_, err = stdout.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, d.SetDeadline(time.Time{}))
	out, err := io.ReadAll(stdout)
	assert.NoError(t, err)
	assert.Equal(t, "out\n", string(out))
}

// Data that a daemon writes later does not belong to the output of the command.
func TestChattyDaemonEnds(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "yes 2>/dev/null & echo $! >&2")
	var pid bytes.Buffer
	c.Stderr = &pid
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	c.Wait()
	_, err = io.Copy(io.Discard, stdout)
	assert.NoError(t, err)
	killPidIn(t, pid.String())
}

// A slow reader gets all data, whenever the process ends and WaitDelay expires.
func TestSlowReader(t *testing.T) {
	const size, times = 300_000, 20
	for i := range times {
		proctest.NoLeaks(t)
		c := withDaemon(t, "head -c "+strconv.Itoa(size)+" /dev/zero")
		c.WaitDelay = 1
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		result := c.WaitChan(t.Context())
		var n int
		b := make([]byte, 1000+i*977)
		for err == nil {
			var got int
			got, err = stdout.Read(b)
			n += got
		}
		assert.Equal(t, io.EOF, err)
		assert.Equal(t, size, n)
		err, _ = proctest.Receive(t, result)
		assert.NoError(t, err)
	}
}

// A pipe with nothing left to read does not occupy a descriptor.
func TestPartlyReadPipesAreClosed(t *testing.T) {
	proctest.NoLeaks(t)
	before := proctest.Descriptors()
	var kept []any
	for i := range 100 {
		c := execx.Command("echo", "out")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		if i%2 == 0 {
			require.NoError(t, c.Wait())
		}
		b := make([]byte, len("out\n"))
		_, err = io.ReadFull(stdout, b)
		require.NoError(t, err)
		require.NoError(t, c.Wait())
		kept = append(kept, c, stdout)
	}
	assert.LessOrEqual(t, proctest.Descriptors(), before)
	for i := 1; i < len(kept); i += 2 {
		_, err := kept[i].(io.Reader).Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
	}
}

// Two commands can form a pipeline, in whatever order they are started and waited for.
func TestPipelineInAnyOrder(t *testing.T) {
	for _, order := range []string{"a b A B", "a b B A", "b a A B", "b a B A", "a A b B"} {
		for _, script := range []string{"echo abc", "exit 0", "exec >/dev/null; sleep 0.01"} {
			t.Run(order+": "+script, func(t *testing.T) {
				proctest.NoLeaks(t)
				a := execx.Command("sh", "-c", script)
				b := execx.Command("tr", "a-z", "A-Z")
				var err error
				b.Stdin, err = a.StdoutPipe()
				require.NoError(t, err)
				var out bytes.Buffer
				b.Stdout = &out
				for step := range strings.FieldsSeq(order) {
					switch step {
					case "a":
						require.NoError(t, a.Start())
					case "b":
						require.NoError(t, b.Start())
					case "A":
						assert.NoError(t, a.Wait())
					case "B":
						assert.NoError(t, b.Wait())
					}
				}
				want := ""
				if script == "echo abc" {
					want = "ABC\n"
				}
				assert.Equal(t, want, out.String())
			})
		}
	}
	t.Run("read to its end before", func(t *testing.T) {
		proctest.NoLeaks(t)
		a := execx.Command("echo", "abc")
		stdout, err := a.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, a.Start())
		io.Copy(io.Discard, stdout)
		require.NoError(t, a.Wait())
		for _, next := range []runner{
			&execx.Cmd{Cmd: exec.Cmd{Path: "/bin/cat", Stdin: stdout}},
			&exec.Cmd{Path: "/bin/cat", Stdin: stdout},
		} {
			out, err := next.Output()
			assert.NoError(t, err)
			assert.Empty(t, out)
		}
	})
	t.Run("not started", func(t *testing.T) { // the pipe can still be read
		proctest.NoLeaks(t)
		a := execx.Command("echo", "abc")
		stdout, err := a.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, a.Start())
		b := execx.Command("true")
		b.Stdin, b.Dir = stdout, "/no such directory"
		require.Error(t, b.Start())
		require.NoError(t, a.Wait())
		out, err := io.ReadAll(stdout)
		assert.NoError(t, err)
		assert.Equal(t, "abc\n", string(out))
		assert.False(t, errors.Is(stdout.Close(), os.ErrClosed))
	})
}
