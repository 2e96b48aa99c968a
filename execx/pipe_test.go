package execx_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestStdinPipe(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("cat")
	var stdout bytes.Buffer
	c.Stdout = &stdout
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = io.WriteString(stdin, "in")
	require.NoError(t, err)
	require.NoError(t, stdin.Close())
	require.NoError(t, c.Wait())
	assert.Equal(t, "in", stdout.String())
}

func TestStdinPipeIsClosedByTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Run())
	_, err = io.WriteString(stdin, "in")
	assert.ErrorIs(t, err, os.ErrClosed)
}

// A reader that runs while other goroutines wait loses no data.
func TestPipesAreReadToTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "head -c 1000000 /dev/zero; head -c 4000 /dev/zero >&2")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	stderr, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	n, err := io.Copy(io.Discard, stdout)
	require.NoError(t, err)
	assert.EqualValues(t, 1_000_000, n)
	err, _ = proctest.Receive(t, result)
	require.NoError(t, err)
	b, err := io.ReadAll(stderr)
	require.NoError(t, err)
	assert.Len(t, b, 4_000, "as much as any pipe holds")

	for _, r := range []io.ReadCloser{stdout, stderr} {
		_, err = r.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		n, err = io.Copy(io.Discard, r)
		assert.NoError(t, err)
		assert.Zero(t, n)
		assert.NoError(t, r.Close(), "closed by the end of file")
		assert.NoError(t, r.Close())
	}
}

// As in the example of os/exec, the end of file is not read.
func TestStdoutPipeHalfReadIsClosed(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("echo", "-n", `{"Name": "Bob", "Age": 32}`)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var person struct {
		Name string
		Age  int
	}
	require.NoError(t, json.NewDecoder(stdout).Decode(&person))
	require.NoError(t, c.Wait())
	assert.Equal(t, "Bob", person.Name)
	_, err = stdout.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
}

// A process left behind may hold the pipe open forever.
func TestStdoutPipeOfWaited(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "sleep 1000 & echo $!")
	c.WaitDelay = 10 * time.Millisecond
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	reader := bufio.NewReader(stdout)
	pid, err := reader.ReadString('\n')
	require.NoError(t, err)
	defer killPidIn(t, pid)
	assert.NoError(t, c.Wait(), "a pipe of the caller's does not delay the result")
	_, err = reader.ReadString('\n')
	assert.Equal(t, io.EOF, err)
}

// A pipe can be the standard input of the next command. It gets the file itself, so that the
// processes communicate directly.
func TestPipeline(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, first, last *execx.Cmd)
	}{
		{"first is waited for first", func(t *testing.T, first, last *execx.Cmd) {
			require.NoError(t, first.Wait())
			require.NoError(t, last.Wait())
		}},
		{"last is waited for first", func(t *testing.T, first, last *execx.Cmd) {
			require.NoError(t, last.Wait())
			require.NoError(t, first.Wait())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			first := execx.Command("echo", "abc")
			last := execx.Command("tr", "a-z", "A-Z")
			var err error
			last.Stdin, err = first.StdoutPipe()
			require.NoError(t, err)
			var stdout bytes.Buffer
			last.Stdout = &stdout
			require.NoError(t, first.Start())
			require.NoError(t, last.Start())
			tt.end(t, first, last)
			assert.Equal(t, "ABC\n", stdout.String())
		})
	}
	t.Run("first has ended before last starts", func(t *testing.T) {
		proctest.NoLeaks(t)
		first := execx.Command("echo", "abc")
		stdout, err := first.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, first.Run())
		last := execx.Command("tr", "a-z", "A-Z")
		last.Stdin = stdout
		out, err := last.Output()
		require.NoError(t, err)
		assert.Equal(t, "ABC\n", string(out))
	})
	t.Run("last is started by os/exec", func(t *testing.T) {
		proctest.NoLeaks(t)
		first := execx.Command("echo", "abc")
		last := exec.Command("tr", "a-z", "A-Z")
		var err error
		last.Stdin, err = first.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, first.Start())
		out, err := last.Output()
		require.NoError(t, err)
		require.NoError(t, first.Wait())
		assert.Equal(t, "ABC\n", string(out))
	})
}

// If Stdout and Stderr are the same writer, writes are not concurrent.
func TestSameWriter(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", strings.Repeat("echo out; echo err >&2; ", 3))
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	require.NoError(t, c.Run())
	assert.Equal(t, strings.Repeat("out\nerr\n", 3), both.String())
}

func TestWritersThatCannotBeCompared(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "echo out; echo err >&2")
	out, err := make(chunks, 1), make(chunks, 1)
	c.Stdout, c.Stderr = uncomparable{nil, out}, uncomparable{nil, err}
	require.NoError(t, c.Run())
	assert.Equal(t, "out\n", <-out)
	assert.Equal(t, "err\n", <-err)
}

type chunks chan string

type uncomparable struct {
	_ []byte
	chunks
}

func (c chunks) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}

// TryWait does not return true before the output is complete.
func TestTryWaitWhileCopying(t *testing.T) {
	proctest.NoLeaks(t)
	r, w := io.Pipe()
	c := execx.Command("echo", "out")
	c.Stdout = w
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	proctest.Until(t, proctest.NoChildren, "not reaped")
	done, err := c.TryWait()
	assert.False(t, done)
	assert.NoError(t, err)
	r.CloseWithError(errors.New("no room"))
	err, _ = proctest.Receive(t, result)
	assert.EqualError(t, err, "no room")
	done, err = c.TryWait()
	assert.True(t, done)
	assert.EqualError(t, err, "no room")
}
