package execx_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func TestGivenUpChildIsReapedIfItHasEnded(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	require.NoError(t, c.Close())
	cmdtest.DrainOrphans(t)
	assert.Zero(t, proctest.State(c.Process.Pid))
}

func TestGivenUpChildIsQueuedIfItRuns(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	assert.Zero(t, execx.Orphans())
	require.NoError(t, c.Close())
	assert.Equal(t, 1, execx.Orphans())
	require.NoError(t, c.Kill())
	cmdtest.DrainOrphans(t)
	assert.Zero(t, proctest.State(c.Process.Pid))
}

func TestKillOnCloseIsOffByDefault(t *testing.T) {
	proctest.NoLeaks(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	c := execx.Command("sh", "-c", "trap 'echo terminated; exit' TERM; "+loop)
	c.Stdout = w
	require.NoError(t, c.Start())
	w.Close()
	lines := bufio.NewScanner(r)
	require.True(t, lines.Scan())
	require.NoError(t, c.Close())
	require.NoError(t, c.Signal(syscall.SIGTERM))
	assert.True(t, lines.Scan())
	assert.Equal(t, "terminated", lines.Text())
	cmdtest.DrainOrphans(t)
}

// After the process is reaped, nothing may be killed: the PID may belong to another process.
func TestKillOnCloseDoesNotKillAfterReap(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	c.KillOnClose = true
	require.NoError(t, c.Run())
	other := proctest.Start(t, "sleep", "1000")
	c.Process.Pid = other.Pid // as if it were reused
	require.NoError(t, c.Close())
	assert.Zero(t, execx.Orphans())
	assert.False(t, proctest.Ended(other.Pid))
}

func TestKillOnCloseKillsOnce(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	require.NoError(t, c.Close())
	c.KillOnClose = true
	require.NoError(t, c.Close(), "a second Close does nothing")
	assert.False(t, proctest.Ended(c.Process.Pid))
	require.NoError(t, c.Kill())
	cmdtest.DrainOrphans(t)
}

func TestWaitTwiceGivesTheSameCode(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sh", "-c", "exit 42")
	for range 2 {
		exitErr, ok := errors.AsType[*execx.ExitError](c.Wait())
		require.True(t, ok)
		assert.Equal(t, 42, exitErr.ExitCode())
	}
}

func TestTryWaitIsEmptyThenTheCodeForEver(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "read line; exit 42")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	for range 3 {
		done, err := c.TryWait()
		assert.False(t, done)
		assert.NoError(t, err)
	}
	require.NoError(t, stdin.Close())
	proctest.Zombie(t, c.Process.Pid)
	for range 3 {
		done, err := c.TryWait()
		assert.True(t, done)
		assert.EqualError(t, err, "exit status 42")
	}
}

func TestKillAfterWaitIsHarmlessAndSaysSo(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	require.NoError(t, c.Run())
	other := proctest.Start(t, "sleep", "1000")
	c.Process.Pid = other.Pid // as if it were reused
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
	assert.False(t, proctest.Ended(other.Pid))
}

func TestStuckWriterEndsWithTheKilledChild(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sleep", "1000")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	written := make(chan error, 1)
	go func() {
		_, err := stdin.Write(make([]byte, 1<<20)) // no process reads it
		written <- err
	}()
	require.NoError(t, c.Kill())
	assert.EqualError(t, c.Wait(), "signal: killed")
	err, _ = proctest.Receive(t, written)
	assert.Error(t, err)
}

func TestNoneOfManyStarves(t *testing.T) {
	proctest.NoLeaks(t)
	for range 10 {
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				out, err := execx.Command("echo", fmt.Sprint(i)).Output()
				assert.NoError(t, err)
				assert.Equal(t, fmt.Sprintln(i), string(out))
			})
		}
		all.Wait()
	}
}

func TestLongConversation(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("cat")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	lines := bufio.NewReader(stdout)
	for i := range 10_000 {
		_, err := fmt.Fprintln(stdin, i)
		require.NoError(t, err)
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintln(i), line)
	}
	require.NoError(t, stdin.Close())
	_, err = lines.ReadByte()
	assert.Equal(t, io.EOF, err)
	err, _ = proctest.Receive(t, result)
	assert.NoError(t, err)
}

func TestOutputCapturesBothStreams(t *testing.T) {
	proctest.NoLeaks(t)
	out, err := execx.Command("sh", "-c", "echo out; echo err >&2; exit 1").Output()
	assert.Equal(t, "out\n", string(out))
	exitErr, ok := errors.AsType[*execx.ExitError](err)
	require.True(t, ok)
	assert.Equal(t, "err\n", string(exitErr.Stderr))
}

func TestWaitedForByAnotherGoroutine(t *testing.T) {
	proctest.NoLeaks(t)
	started := make(chan *execx.Cmd)
	go func() {
		c := execx.Command("sh", "-c", "exit 3")
		assert.NoError(t, c.Start())
		started <- c
	}()
	c := <-started
	result := make(chan error, 1)
	go func() { result <- c.Wait() }()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 3")
}

func TestArgv0(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "echo $0")
	c.Args[0] = "another/sh" // busybox selects its applet by the last element
	out, err := c.Output()
	require.NoError(t, err)
	assert.Equal(t, "another/sh\n", string(out))
}

func TestReapedChildLeavesTheQueueEmpty(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(c *execx.Cmd) error
	}{
		{"success", func(c *execx.Cmd) error { return nil }},
		{"killed", func(c *execx.Cmd) error { return c.Kill() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := execx.Command("cat")
			stdin, err := c.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			require.NoError(t, tt.end(c))
			stdin.Close()
			c.Wait()
			require.NoError(t, c.Close())
			assert.Zero(t, execx.Orphans())
		})
	}
}

// The pidfd of a zombie is readable while only its tracer can wait for it.
func TestSpuriousReadinessIsSurvived(t *testing.T) {
	proctest.NoLeaks(t)
	const n = 20
	var cmds []*execx.Cmd
	var results []<-chan error
	var releases []func()
	for i := range n {
		c := cmdtest.Start(t, "sleep", "1000")
		releases = append(releases, proctest.Trace(t, c.Process.Pid))
		if i%2 == 0 {
			results = append(results, c.WaitChan(t.Context()))
		} else {
			require.NoError(t, c.Close())
		}
		cmds = append(cmds, c)
	}
	for _, c := range cmds {
		require.NoError(t, c.Kill())
		proctest.Zombie(t, c.Process.Pid)
	}
	require.NoError(t, cmdtest.Start(t, "true").Wait(), "others are waited for meanwhile")
	assert.Equal(t, n/2, execx.Orphans())
	for _, release := range releases {
		release()
	}
	for _, result := range results {
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, "signal: killed")
	}
	cmdtest.DrainOrphans(t)
}

func TestReadinessMayComeBeforeAnyoneAsks(t *testing.T) {
	proctest.NoLeaks(t)
	var out bytes.Buffer
	c := execx.Command("sh", "-c", "cat; exit 3")
	c.Stdin, c.Stdout = strings.NewReader("in"), &out
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	result := c.WaitChan(t.Context())
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 3")
	assert.Equal(t, "in", out.String())
}
