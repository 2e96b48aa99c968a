package execx_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// starts holds the ways to start a command: by execx and by os/exec.
var starts = []struct {
	name  string
	start func(c *execx.Cmd) error
}{
	{"Start", (*execx.Cmd).Start},
	{"exec.Cmd.Start", func(c *execx.Cmd) error { return c.Cmd.Start() }},
}

// within returns a context that is done after d.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// lines starts c, a shell that runs the script, and returns the PIDs on the first n lines of its
// output. The processes are killed at the end of the test.
func lines(t *testing.T, c *execx.Cmd, start func(c *execx.Cmd) error, n int, script string) (pids []int) {
	t.Helper()
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", script}
	out := make(chunks, 100)
	c.Stdout = out
	require.NoError(t, start(c))
	t.Cleanup(func() {
		c.Kill()
		c.Close()
	})
	var text strings.Builder
	for strings.Count(text.String(), "\n") < n {
		chunk, _ := proctest.Receive(t, out)
		text.WriteString(chunk)
	}
	for line := range strings.Lines(text.String()) {
		var pid int
		_, err := fmt.Sscan(line, &pid)
		require.NoError(t, err)
		pids = append(pids, pid)
		t.Cleanup(func() { killPID(pid) })
	}
	return pids[:n]
}

// killPID kills the process with the given PID, which the test has started.
func killPID(pid int) {
	if !proctest.Ended(pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// daemon starts a process that leaves the group and then prints its PID.
const daemon = "setsid sh -c 'echo $$; exec sleep 1000' & "

// Shutdown returns after a bounded time, whatever process holds the output.
func TestShutdownDoesNotWaitForOutput(t *testing.T) {
	proctest.Slow(t)
	for _, tt := range []struct {
		name   string
		script string
	}{
		{"obedient", "trap 'exit 5' TERM; " + daemon + "while :; do sleep 0.01; done"},
		{"stubborn", "trap '' TERM; " + daemon + "while :; do sleep 0.01; done"},
		{"ended", daemon + "exit 5"},
		{"success", "trap 'exit 0' TERM; " + daemon + "while :; do sleep 0.01; done"},
	} {
		for _, group := range []bool{false, true} {
			for _, by := range starts {
				t.Run(fmt.Sprintf("%s, group=%t, %s", tt.name, group, by.name), func(t *testing.T) {
					t.Parallel()
					c := execx.Command("sh")
					c.ProcessGroup = group
					c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
					pids := lines(t, c, by.start, 1, tt.script)
					if tt.name == "ended" {
						proctest.Until(t, func() bool { return proctest.Ended(c.Process.Pid) }, "has not ended")
					}
					result := make(chan error, 1)
					go func() {
						ctx, cancel := within(500 * time.Millisecond)
						defer cancel()
						result <- c.Shutdown(ctx)
					}()
					err, _ := proctest.Receive(t, result)
					assert.False(t, proctest.Ended(pids[0]), "it holds the output")
					if by.name != "Start" { // os/exec has the status, and waits for the output
						assert.Equal(t, execx.ErrWaitDelay, err)
						killPID(pids[0])
						assert.NotEqual(t, err, c.Wait())
						return
					}
					want := map[string]string{"stubborn": "signal: killed", "success": execx.ErrWaitDelay.Error()}[tt.name]
					if want == "" {
						want = "exit status 5"
					}
					assert.EqualError(t, err, want)
					assert.Equal(t, err, c.Wait())
					assert.NotNil(t, c.ProcessState)
				})
			}
		}
	}
}

// If the process belongs to another user and can't be killed, Shutdown returns the error.
func TestShutdownIsNotPermitted(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NeedsRoot(t)
	for _, group := range []bool{false, true} {
		for _, tt := range []struct {
			name string
			ctx  context.Context
		}{{"context", t.Context()}, {"done", soon(t)}} {
			t.Run(fmt.Sprintf("group=%t, %s", group, tt.name), func(t *testing.T) {
				c := execx.Command("cat")
				c.ProcessGroup = group
				stdin, err := c.StdinPipe()
				require.NoError(t, err)
				require.NoError(t, c.Start())
				require.NoError(t, syscall.Setresuid(proctest.Nobody, proctest.Nobody, 0))
				err = c.Shutdown(tt.ctx)
				require.NoError(t, syscall.Setresuid(0, 0, 0))
				assert.ErrorIs(t, err, syscall.EPERM)
				stdin.Close()
				assert.NoError(t, c.Wait())
				require.NoError(t, c.Close())
			})
		}
	}
}

// Even if its context is done, Shutdown gives the process time to handle SIGTERM.
func TestShutdownGivesAMoment(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		c := execx.Command("cat") // ends on SIGTERM
		c.Path, c.Args = "/bin/sh", []string{"sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done"}
		out := make(chunks, 8)
		c.Stdout = out
		require.NoError(t, c.Start())
		proctest.Receive(t, out)
		assert.EqualError(t, c.Shutdown(ctx), "exit status 5")
		bye, _ := proctest.Receive(t, out)
		assert.Equal(t, "bye\n", bye)
	}
}

// Many groups can be shut down at once, even if their zombies are never reaped.
func TestManyGroups(t *testing.T) {
	const n = 50
	proctest.NoLeaks(t)
	var all sync.WaitGroup
	for range n {
		c := execx.Command("sh")
		c.ProcessGroup = true
		lines(t, c, (*execx.Cmd).Start, 2, "echo $$; sh -c \"trap '' TERM; echo \\$\\$; exec sleep 1000\" & wait")
		all.Go(func() {
			ctx, cancel := within(200 * time.Millisecond)
			defer cancel()
			assert.EqualError(t, c.Shutdown(ctx), "signal: terminated")
		})
	}
	all.Wait()
}

// blockingWriter is a writer that blocks until it is closed.
type blockingWriter chan struct{}

func (b blockingWriter) Write(p []byte) (int, error) {
	b <- struct{}{}
	<-b
	return len(p), nil
}

// Shutdown does not wait for a Writer of the program that blocks, or that calls Shutdown.
func TestShutdownAndWriter(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "echo; exec sleep 1000")
	b := make(blockingWriter)
	c.Stdout = b
	require.NoError(t, c.Start())
	proctest.Receive(t, b)
	assert.EqualError(t, c.Shutdown(soon(t)), "signal: terminated")
	done, _ := c.TryWait()
	assert.False(t, done, "it is still copying")
	close(b)
	assert.EqualError(t, c.Wait(), "signal: terminated")

	c = execx.Command("sh", "-c", "echo; exec sleep 1000")
	c.Stdout = callingWriter(func() { c.Shutdown(soon(t)) })
	require.NoError(t, c.Start())
	assert.EqualError(t, c.Wait(), "signal: terminated")
}

// callingWriter is a writer that calls a function.
type callingWriter func()

func (f callingWriter) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

// Shutdown ends a process even after its os.Process was released.
func TestShutdownOfReleased(t *testing.T) {
	for _, group := range []bool{false, true} {
		proctest.NoLeaks(t)
		c := startScript(t, func() *execx.Cmd { c := execx.Command("sh"); c.ProcessGroup = group; return c }(), obedient)
		require.NoError(t, c.Process.Release())
		assert.EqualError(t, c.Shutdown(t.Context()), "exit status 5")
	}
}

// Shutdown continues with the process that it has begun to end, and ends no other.
func TestShutdownOfReplaced(t *testing.T) {
	c := startScript(t, execx.Command("sh"), "trap 'echo asked' TERM; "+loop)
	before := c.Process
	out := c.Stdout.(chunks)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- c.Shutdown(ctx) }()
	proctest.Receive(t, out)
	other := proctest.Start(t, "sleep", "1000")
	c.TryWait() // lets Shutdown know the previous process
	c.Process = other
	c.Signal(syscall.Signal(0)) // detects the exit
	cancel()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
	assert.True(t, proctest.Ended(before.Pid))
	assert.NoError(t, other.Signal(syscall.Signal(0)))
}

// A callback of a context can use the command.
func TestCloseUnderForeignContext(t *testing.T) {
	proctest.NoLeaks(t)
	c := startScript(t, execx.Command("sh"), stubborn)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- c.Shutdown(callingContext{ctx, c}) }()
	proctest.Until(t, func() bool { return execx.Live()[0].Waiters > 0 }, "does not wait")
	require.NoError(t, c.Close())
	err, _ := proctest.Receive(t, result)
	assert.Equal(t, execx.ErrClosed, err)
	require.NoError(t, c.Kill())
	cmdtest.DrainOrphans(t)
}

// A callingContext is a context that calls a method of a command.
type callingContext struct {
	context.Context
	c *execx.Cmd
}

func (a callingContext) Done() <-chan struct{} {
	a.c.TryWait()
	return a.Context.Done()
}
