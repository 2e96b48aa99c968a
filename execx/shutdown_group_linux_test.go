package execx_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// startPair starts a group of two processes: c, which exits on SIGTERM, and another one, which runs
// the script. It returns the PID and the standard input of the second.
func startPair(t *testing.T, c *execx.Cmd, script string) (pid int, stdin *os.File) {
	t.Helper()
	proctest.NeedsGroupPidfds(t)
	// An init process may reap an orphan late, and until then the orphan counts. So this process
	// becomes its parent and reaps it.
	proctest.BecomeSubreaper(t)
	t.Cleanup(func() { require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)) })

	in, stdin, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { stdin.Close() })
	defer in.Close()
	c.ProcessGroup = true
	c.Path = "/bin/sh"
	c.Args = []string{"sh", "-c", `trap 'exit 5' TERM; exec 3<&0; sh -c "$0" <&3 & wait`, script}
	c.Stdin = in
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = fmt.Fscan(stdout, &pid)
	require.NoError(t, err)
	stdout.Close()

	var reaping sync.WaitGroup
	reaping.Go(func() {
		execx.AwaitExit(context.Background(), c.Process) // it was the parent until now
		waitPID(pid)
	})
	t.Cleanup(func() {
		c.Kill()
		c.Wait()
		c.Close()
		reaping.Wait()
	})
	return pid, stdin
}

func TestShutdownOfGroup(t *testing.T) {
	t.Run("waits for one that takes its time", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sh")
		pid, stdin := startPair(t, c, "trap 'read line; exit 0' TERM; echo $$; while :; do sleep 0.01; done")
		go func() {
			c.Wait()
			stdin.WriteString("go\n")
		}()
		assert.EqualError(t, c.Shutdown(t.Context()), "exit status 5")
		assert.True(t, proctest.Ended(pid))
	})
	t.Run("kills one that ignores SIGTERM", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sh")
		pid, _ := startPair(t, c, "trap '' TERM; echo $$; exec sleep 1000")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			c.Wait()
			assert.False(t, proctest.Ended(pid))
			cancel()
		}()
		assert.EqualError(t, c.Shutdown(ctx), "exit status 5")
		untilEnded(t, pid)
	})
	t.Run("after the leader was reaped", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sh")
		pid, _ := startPair(t, c, "trap '' TERM; echo $$; exec sleep 1000")
		require.NoError(t, c.Process.Signal(syscall.SIGTERM))
		assert.EqualError(t, c.Wait(), "exit status 5")
		assert.EqualError(t, c.Shutdown(soon(t)), "exit status 5")
		untilEnded(t, pid)
	})
	t.Run("is over when the command is closed", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sh")
		pid, _ := startPair(t, c, "trap '' TERM; echo $$; exec sleep 1000")
		result := make(chan error, 1)
		go func() { result <- c.Shutdown(t.Context()) }()
		assert.EqualError(t, c.Wait(), "exit status 5")
		require.NoError(t, c.Close())
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, "exit status 5")
		assert.False(t, proctest.Ended(pid))
		syscall.Kill(pid, syscall.SIGKILL)
	})
}
