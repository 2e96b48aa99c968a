package execx_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// connection returns both ends of a network connection.
func connection(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	a, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	b, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// full returns a connection whose peer reads nothing, with a blocked write.
func full(t *testing.T) net.Conn {
	t.Helper()
	conn, _ := connection(t)
	go conn.Write(make([]byte, 64<<20))
	proctest.Until(t, func() bool { return bytes.Contains(stacks(), []byte("net.(*conn).Write")) }, "not writing")
	return conn
}

// Whatever a program does with a pipe or a stream of a command, it does not block the waiting for
// any command.
func TestBlockedStreamsBlockNobody(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  func(t *testing.T, c *execx.Cmd) (after func())
	}{
		{"StdoutPipe to a connection", func(t *testing.T, c *execx.Cmd) func() {
			conn := full(t)
			stdout, err := c.StdoutPipe()
			require.NoError(t, err)
			return func() { go io.Copy(conn, stdout) }
		}},
		{"StdinPipe from a connection", func(t *testing.T, c *execx.Cmd) func() {
			conn, _ := connection(t)
			stdin, err := c.StdinPipe()
			require.NoError(t, err)
			return func() { go io.Copy(stdin, conn) }
		}},
		{"Stdin is a connection", func(t *testing.T, c *execx.Cmd) func() {
			c.Stdin, _ = connection(t)
			c.WaitDelay = 1
			return func() {}
		}},
		{"Stdout is a connection", func(t *testing.T, c *execx.Cmd) func() {
			c.Stdout = full(t)
			c.WaitDelay = 1
			return func() {}
		}},
	} {
		for _, closes := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				c := execx.Command("sh", "-c", "echo out; read line <&3")
				hold, held, err := os.Pipe()
				require.NoError(t, err)
				c.ExtraFiles = []*os.File{hold}
				after := tt.use(t, c)
				require.NoError(t, c.Start())
				hold.Close()
				after()
				result := c.WaitChan(t.Context())
				if closes {
					require.NoError(t, c.Close())
					held.Close()
					err, _ := proctest.Receive(t, result)
					assert.Equal(t, execx.ErrClosed, err)
					cmdtest.DrainOrphans(t)
				} else {
					held.Close()
					if tt.name != "Stdout is a connection" { // its Write has not returned, as with os/exec
						proctest.Receive(t, result)
					}
				}
				other := execx.Command("sleep", "0.02")
				require.NoError(t, other.Start())
				err, _ = proctest.Receive(t, other.WaitChan(t.Context()))
				assert.NoError(t, err)
				c.TryWait()
			})
		}
	}
}

// An error is attributed to the side that has failed.
func TestWriteToReportsDestination(t *testing.T) {
	for _, want := range []error{os.ErrDeadlineExceeded, os.ErrClosed, errors.New("other")} {
		proctest.NoLeaks(t)
		c := execx.Command("echo", "out")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		_, err = io.Copy(failAfter{c, want}, stdout)
		assert.Equal(t, want, err)
		stdout.Close()
	}
}

// failAfter is a writer that fails once the command has ended.
type failAfter struct {
	cmd *execx.Cmd
	err error
}

func (w failAfter) Write([]byte) (int, error) {
	w.cmd.Wait()
	return 0, w.err
}

// A failed start does not affect the pipe that was to be passed to the process.
func TestReaderIsWokenAfterFailedStart(t *testing.T) {
	proctest.NoLeaks(t)
	a := withDaemon(t, "printf out")
	stdout, err := a.StdoutPipe()
	require.NoError(t, err)
	b := execx.Command("/no such program")
	b.Stdin = stdout
	require.Error(t, b.Start())
	out := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(stdout)
		out <- string(b)
	}()
	require.NoError(t, a.Start())
	require.NoError(t, a.Wait())
	got, _ := proctest.Receive(t, out)
	assert.Equal(t, "out", got)
}

// Pipes made through the embedded exec.Cmd are closed when the command ends, as in os/exec.
func TestPipesOfEmbeddedAreClosed(t *testing.T) {
	proctest.NoLeaks(t)
	for _, wait := range []bool{true, false} {
		c := withDaemon(t, "echo out")
		stdin, err := c.Cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := c.Cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		if wait {
			require.NoError(t, c.Wait())
		} else {
			require.NoError(t, c.Close())
		}
		_, err = stdout.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrClosed)
		_, err = stdin.Write([]byte("in"))
		assert.ErrorIs(t, err, os.ErrClosed)
		cmdtest.DrainOrphans(t)
	}
}

// A Cmd does not keep a pipe open that the program has dropped.
func TestDroppedPipeIsClosed(t *testing.T) {
	proctest.NoLeaks(t)
	before := proctest.Descriptors()
	c := execx.Command("echo", "out")
	func() {
		_, err := c.StdoutPipe()
		require.NoError(t, err)
	}()
	require.NoError(t, c.Run())
	proctest.Collect(t, func() bool { return proctest.Descriptors() <= before }, "not closed")
	assert.NoError(t, c.Wait())
}

// A reader may set a deadline for each read, up to the end.
func TestDeadlinePerRead(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("echo", "out")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Run())
	var out []byte
	for err == nil {
		require.NoError(t, stdout.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(time.Now().Add(time.Hour)))
		b := make([]byte, 2)
		var n int
		n, err = stdout.Read(b)
		out = append(out, b[:n]...)
	}
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, "out\n", string(out))
}

// The error for a Cancel without a context comes before any other, and nothing is left behind.
func TestCancelWithoutContextComesFirst(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		c, r := command(nil, "true")
		_, err := r.StdoutPipe()
		require.NoError(t, err)
		c.Cancel = func() error { return nil }
		if x, ok := r.(*execx.Cmd); ok {
			x.ProcessGroup, x.SysProcAttr = true, &syscall.SysProcAttr{Pgid: 1}
		}
		return r.Start()
	})
}

// If a command is closed meanwhile, Output returns data that no longer changes.
func TestOutputOfClosed(t *testing.T) {
	for _, limit := range []int64{0, 1 << 30} {
		proctest.NoLeaks(t)
		c := execx.Command("yes")
		c.MaxOutput = limit
		done := make(chan error, 1)
		go func() {
			out, err := c.Output()
			assert.Empty(t, out)
			done <- err
		}()
		proctest.Until(t, func() bool { return len(execx.Live()) == 1 && execx.Live()[0].Waiters == 1 }, "not waiting")
		require.NoError(t, c.Close())
		err, _ := proctest.Receive(t, done)
		assert.Equal(t, execx.ErrClosed, err)
		cmdtest.DrainOrphans(t) // they get SIGPIPE
	}
}
