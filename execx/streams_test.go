//go:build unix

package execx_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// streams holds this process's ends of the standard streams of a command.
type streams struct {
	stdin          io.WriteCloser // may be nil
	stdout, stderr *output
}

// An output is the destination of the output of a process: a pipe or a file to read, a buffer, or
// none.
type output struct {
	expected string

	pipe io.ReadCloser
	file *os.File

	mu   sync.Mutex // guards everything below
	buf  bytes.Buffer
	full chan struct{} // closed when buf has the expected length
}

func newOutput(expected string) *output {
	return &output{expected: expected, full: make(chan struct{})}
}

// streams connects the standard streams of c, whose script writes out and errOut.
func (tr trial) streams(t *testing.T, c *exec.Cmd, r runner, dir, out, errOut string) *streams {
	const in = "in\n"
	s := &streams{stdout: newOutput(out), stderr: newOutput(errOut)}
	var err error
	switch tr["stdin"] {
	case "file":
		c.Stdin = tempFile(t, dir, in)
	case "reader":
		c.Stdin = strings.NewReader(in)
	case "failing reader":
		c.Stdin = io.MultiReader(strings.NewReader(in), iotest.ErrReader(errors.New("no input")))
	case "pipe":
		s.stdin, err = r.StdinPipe()
		require.NoError(t, err)
	}

	switch tr["stdout"] {
	case "file":
		s.stdout.file = tempFile(t, dir, "")
		c.Stdout = s.stdout.file
	case "buffer":
		c.Stdout = s.stdout
	case "pipe":
		s.stdout.pipe, err = r.StdoutPipe()
		require.NoError(t, err)
	}

	switch tr["stderr"] {
	case "file":
		s.stderr.file = tempFile(t, dir, "")
		c.Stderr = s.stderr.file
	case "buffer":
		c.Stderr = s.stderr
	case "failing writer":
		c.Stderr = failingWriter{}
	case "pipe":
		s.stderr.pipe, err = r.StderrPipe()
		require.NoError(t, err)
	case "stdout":
		c.Stderr = c.Stdout
		s.stdout.expected += errOut
	}
	if c.Stdout != s.stdout {
		close(s.stdout.full)
	}
	if c.Stderr != s.stderr {
		close(s.stderr.full)
	}
	return s
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.buf.Len()
	o.buf.Write(b)
	if before < len(o.expected) && o.buf.Len() >= len(o.expected) {
		close(o.full)
	}
	return len(b), nil
}

// exchange writes the input of the process and reads its output.
func (s *streams) exchange(t *testing.T) {
	if s.stdin != nil {
		_, err := io.WriteString(s.stdin, "in\n")
		require.NoError(t, err)
		require.NoError(t, s.stdin.Close())
	}
	for _, o := range []*output{s.stdout, s.stderr} {
		if o.pipe != nil {
			b := make([]byte, len(o.expected))
			_, err := io.ReadFull(o.pipe, b)
			require.NoError(t, err)
			o.buf.Write(b)
		}
	}
	proctest.Receive(t, s.stdout.full)
	proctest.Receive(t, s.stderr.full)
}

// written returns the output.
func (s *streams) written() (stdout, stderr string) {
	return s.stdout.String(), s.stderr.String()
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		b, _ := io.ReadAll(io.NewSectionReader(o.file, 0, 1<<20))
		return string(b)
	}
	return o.buf.String()
}

// close closes the pipes that are read. os/exec has closed its own.
func (s *streams) close() {
	for _, o := range []*output{s.stdout, s.stderr} {
		if o.pipe != nil {
			o.pipe.Close()
		}
	}
}

// tempFile returns a file in dir with the given content, open for reading and writing.
func tempFile(t *testing.T, dir, content string) *os.File {
	f, err := os.CreateTemp(dir, "")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.WriteAt([]byte(content), 0)
	require.NoError(t, err)
	return f
}
