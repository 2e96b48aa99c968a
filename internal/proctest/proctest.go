package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Deadline is how long a test waits for something that is sure to happen, on a
// machine however loaded.
const Deadline = time.Minute

// Main runs the tests of a package, and fails if they leave a goroutine or a
// child process, zombies included, or more descriptors than they found.
func Main(m *testing.M) {
	if pid := os.Getenv(tracee); pid != "" {
		os.Exit(trace(pid))
	}
	goleak.VerifyTestMain(leakless{m})
}

type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if left := Children(); len(left) > 0 {
		fmt.Fprintf(os.Stderr, "proctest: children left behind: %v\n", left)
		return 1
	}
	return 0
}

// Until waits until cond holds. It is for what raises no event that a test
// could wait for.
func Until(t testing.TB, cond func() bool, what string, args ...any) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(Deadline)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "deadline exceeded", what, args)
		}
	}
}

// Receive returns the next value of ch, and whether there was one before ch was closed.
func Receive[T any](t testing.TB, ch <-chan T) (v T, ok bool) {
	t.Helper()
	select {
	case v, ok = <-ch:
	case <-time.After(Deadline):
		require.FailNow(t, "deadline exceeded", "nothing was received")
	}
	return v, ok
}

// Start starts a process, which the end of the test kills and reaps.
func Start(t testing.TB, name string, arg ...string) *os.Process {
	t.Helper()
	c := exec.Command(name, arg...)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Process.Wait()
	})
	return c.Process
}

// NoLeaks has the end of the test check that it has left no goroutine, no child
// and no descriptor.
func NoLeaks(t testing.TB) {
	t.Helper()
	goroutines := goleak.IgnoreCurrent()
	children := len(Children())
	fds := Descriptors()
	t.Cleanup(func() {
		goleak.VerifyNone(t, goroutines)
		require.Len(t, Children(), children, "children")
		// The runtime closes what nobody refers to any longer in its own time.
		Until(t, func() bool {
			now := Descriptors()
			if now > fds {
				runtime.GC()
			}
			return now <= fds
		}, "descriptors: were %d", fds)
	})
}
