//go:build unix

package execx_test

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// gated starts n processes that end when open is called.
func gated(t testing.TB, n int) (cmds []*execx.Cmd, open func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	t.Cleanup(func() { w.Close() })
	for range n {
		c := execx.Command("cat")
		c.Stdin = r
		require.NoError(t, c.Start())
		t.Cleanup(func() {
			c.Kill()
			c.Wait()
		})
		cmds = append(cmds, c)
	}
	return cmds, func() { w.Close() }
}

func TestThousandsOfChildren(t *testing.T) {
	proctest.Slow(t)
	if !proctest.Apart(t, nil) { // threads created by other tests must not count
		return
	}
	const n = 1500
	proctest.NoLeaks(t)
	goroutines, descriptors := runtime.NumGoroutine(), proctest.Descriptors()
	cmds, open := gated(t, n)
	results := make([]<-chan error, n)
	for i, c := range cmds {
		results[i] = c.WaitChan(t.Context())
	}
	assert.LessOrEqual(t, proctest.Threads(t), runtime.GOMAXPROCS(0)+10, "threads")
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines+10, "goroutines")
	assert.LessOrEqual(t, proctest.Descriptors(), descriptors+n+40, "descriptors")
	open()
	for i, result := range results {
		err, ok := proctest.Receive(t, result)
		require.True(t, ok)
		require.NoError(t, err)
		_, ok = proctest.Receive(t, result)
		require.False(t, ok, "more than one value")
		require.NotNil(t, cmds[i].ProcessState)
	}
}

func TestProcessWaitBySomebodyElse(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	results := []<-chan error{c.WaitChan(t.Context()), c.WaitChan(t.Context())}
	theirs := make(chan error, 1)
	go func() {
		_, err := c.Process.Wait()
		theirs <- err
	}()
	require.NoError(t, c.Kill())

	var exitErr *execx.ExitError
	stolen := func(err error) bool { return errors.Is(err, syscall.ECHILD) }
	for _, result := range results {
		err, _ := proctest.Receive(t, result)
		assert.True(t, stolen(err) || errors.As(err, &exitErr), "%v", err)
		assert.Equal(t, c.Wait(), err)
	}
	err, _ := proctest.Receive(t, theirs)
	assert.True(t, err == nil || stolen(err), "%v", err)
	assert.True(t, err == nil || exitErr != nil, "the status is lost") // on Linux 6.15, both may have it
}

func TestStdoutPipeAfterExit(t *testing.T) {
	proctest.NoLeaks(t)
	const n = 4000 // fits into the smallest pipe, so that the process can end; see pipe(7)
	c := execx.Command("head", "-c", strconv.Itoa(n), "/dev/zero")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	err, _ = proctest.Receive(t, c.WaitChan(t.Context()))
	require.NoError(t, err)
	got, err := io.ReadAll(stdout)
	require.NoError(t, err)
	assert.Len(t, got, n)
}

func TestTracedChild(t *testing.T) {
	proctest.NoLeaks(t)
	c := cmdtest.Start(t, "sleep", "1000")
	release := proctest.Trace(t, c.Process.Pid)
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Kill())
	proctest.Zombie(t, c.Process.Pid)
	done, err := c.TryWait()
	assert.False(t, done, "only the tracer can wait now")
	assert.NoError(t, err)
	require.NoError(t, cmdtest.Start(t, "true").Wait(), "others are waited for meanwhile")
	select {
	case err := <-result:
		assert.Fail(t, "delivered early", "%v", err)
	default:
	}
	release()
	err, _ = proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
}
