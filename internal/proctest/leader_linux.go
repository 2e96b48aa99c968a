package proctest

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// leaderless is the environment variable that turns a test binary into a process whose first thread
// ends before the others.
const leaderless = "PROCTEST_LEADERLESS"

func init() {
	if os.Getenv(leaderless) != "" {
		runtime.LockOSThread() // keeps the main goroutine on the first thread
	}
}

// Leaderless starts a process whose first thread has ended, so that it looks like a zombie, while
// another thread runs until end is called. The process then exits with status 7. It ignores
// SIGTERM. It is killed and reaped at the end of the test. prepare, if not nil, changes the command
// that starts it.
func Leaderless(t testing.TB, prepare func(c *exec.Cmd)) (p *os.Process, end func()) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), leaderless+"=1")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	t.Cleanup(func() { w.Close() })
	c.Stdin = r
	if prepare != nil {
		prepare(c)
	}
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Process.Wait()
	})
	Zombie(t, c.Process.Pid)
	return c.Process, func() { w.Close() }
}

func endFirstThread() {
	signal.Ignore(unix.SIGTERM)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(7)
	}()
	unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
}
