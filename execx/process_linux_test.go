package execx_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// undelivered asserts that the result is not known yet.
func undelivered(t *testing.T, c *execx.Cmd, result <-chan error) {
	t.Helper()
	done, err := c.TryWait()
	assert.False(t, done)
	assert.NoError(t, err)
	select {
	case err := <-result:
		assert.Fail(t, "delivered early", "%v", err)
	default:
	}
}

// A process that is stopped and continued has not ended, although SIGCHLD is sent.
func TestStoppedAndContinued(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	result := c.WaitChan(t.Context())
	for range 10 {
		require.NoError(t, c.Signal(syscall.SIGSTOP))
		proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 'T' }, "not stopped")
		undelivered(t, c, result)
		require.NoError(t, c.Signal(syscall.SIGCONT))
		proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 'S' }, "not continued")
		undelivered(t, c, result)
	}
	require.NoError(t, c.Kill())
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
}

// A process that executes several programs ends with the last one.
func TestChildExecs(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "exec sh -c 'echo one; exec sh -c \"echo two; exec cat\"'")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	defer stdout.Close()
	result := c.WaitChan(t.Context())
	for got := 0; got < len("one\ntwo\n"); {
		n, err := stdout.Read(make([]byte, 8))
		require.NoError(t, err)
		got += n
	}
	undelivered(t, c, result)
	stdin.Close()
	err, _ = proctest.Receive(t, result)
	assert.NoError(t, err)
}

// A process whose first thread has ended looks like a zombie until the last thread ends.
func TestFirstThreadEndsFirst(t *testing.T) {
	proctest.NoLeaks(t)
	p, end := proctest.Leaderless(t, nil)
	c := &execx.Cmd{Cmd: exec.Cmd{Process: p}}
	result := c.WaitChan(t.Context())
	undelivered(t, c, result)
	end()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 7")
	_, more := proctest.Receive(t, result)
	assert.False(t, more)
}

// A child inherits its three standard descriptors and no others, although this process has
// descriptors of all kinds.
func TestChildInheritsNothing(t *testing.T) {
	proctest.NoLeaks(t)
	group := execx.Command("cat")
	group.ProcessGroup = true // opens a descriptor of its own
	group.Stdout = new(bytes.Buffer)
	stdin, err := group.StdinPipe()
	require.NoError(t, err)
	stderr, err := group.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, group.Start())
	defer group.Close()
	defer stderr.Close()
	result := group.WaitChan(t.Context()) // creates the epoll set

	for _, inherit := range []bool{false, true} {
		c := execx.Command("sh", "-c", "ls /proc/$$/fd")
		want := "0\n1\n2\n"
		if inherit {
			c.ExtraFiles = []*os.File{os.Stdin}
			want += "3\n"
		}
		c.Stdin = strings.NewReader("in")
		out, err := c.Output()
		require.NoError(t, err)
		got := slices.Collect(strings.Lines(string(out)))
		assert.Subset(t, got, slices.Collect(strings.Lines(want)))
		// Descriptors that this process has inherited without close-on-exec don't count.
		plain, err := exec.Command("sh", "-c", "ls /proc/$$/fd").Output()
		require.NoError(t, err)
		if string(plain) == "0\n1\n2\n" {
			assert.Equal(t, want, string(out))
		}
	}
	stdin.Close()
	err, _ = proctest.Receive(t, result)
	assert.NoError(t, err)
}
