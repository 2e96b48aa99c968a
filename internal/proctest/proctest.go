package proctest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Deadline is how long a test waits for something that is sure to happen, on a
// machine however loaded.
const Deadline = time.Minute

// Play exits if this process was started as a program that Windows lacks, and plays that before.
func Play() {
	if code, is := play(); is {
		os.Exit(code)
	}
}

// WithPrograms returns m with a Run in which tests find these programs, for a TestMain that begins with
// [Play].
func WithPrograms(m *testing.M) goleak.TestingM { return withPrograms{m} }

type withPrograms struct{ m *testing.M }

func (p withPrograms) Run() int {
	defer offerPrograms()()
	return p.m.Run()
}

// Checked returns m with a Run that also fails if the tests leave a child
// process, zombies included, and that plays the processes of [Trace] and
// [Leaderless], and does what [Play] and [WithPrograms] do.
func Checked(m *testing.M) goleak.TestingM { return checked{m} }

type checked struct{ m *testing.M }

func (c checked) Run() int {
	Play()
	if pid := os.Getenv(tracee); pid != "" {
		os.Exit(trace(pid))
	}
	if os.Getenv(leaderless) != "" {
		endFirstThread()
	}
	if code, ran := underInit(); ran {
		return code
	}
	// Parallel tests wait for processes, most of the time. The command line takes precedence.
	flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
	code := WithPrograms(c.m).Run()
	if left := Children(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "proctest: children left behind: %v\n", left)
		return 1
	}
	return code
}

// Slow skips a test that takes more than a second if only short ones are to run.
func Slow(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes more than a second")
	}
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
			require.FailNow(t, "deadline exceeded", append([]any{what}, args...)...)
		}
	}
}

// Collect forces garbage collections until cond holds.
func Collect(t testing.TB, cond func() bool, what string, args ...any) {
	t.Helper()
	Until(t, func() bool {
		runtime.GC()
		return cond()
	}, what, args...)
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

// NoChildren reports whether this process has no children, not even zombies.
func NoChildren() bool { return len(Children()) == 0 }

// PassTick waits until the start time of a new process, as recorded by the system, differs from
// those of all existing ones.
func PassTick(t testing.TB) {
	t.Helper()
	later := time.Now().Add(30 * time.Millisecond) // three ticks of /proc
	Until(t, func() bool { return time.Now().After(later) }, "time stands still")
}

// Ended reports whether there is no process of this number, or only a zombie: one
// whose parent has ended is init's to reap, which takes its time. Where that cannot be
// told it is taken to be so.
func Ended(pid int) bool {
	state := State(pid)
	return state == 0 || state == 'Z'
}

// Kill kills any process, child or not.
func Kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
		p.Release()
	}
}

// Start starts a process, which the end of the test kills and reaps.
func Start(t testing.TB, name string, arg ...string) *os.Process {
	t.Helper()
	c := exec.Command(name, arg...)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Process.Wait()
		c.Process.Release() // if somebody else has reaped it
	})
	return c.Process
}

// WithoutPidfd returns the process of p as one that has no pidfd, as where there
// are none, and releases p, whose Pid is -1 then. The end of the test kills and reaps it.
func WithoutPidfd(t testing.TB, p *os.Process) *os.Process {
	t.Helper()
	pid := p.Pid
	require.NoError(t, p.Release())
	p = &os.Process{Pid: pid}
	t.Cleanup(func() {
		p.Kill()
		p.Wait()
	})
	return p
}

// TempDir is TempDir of t, for files only. Wine lacks what [os.RemoveAll] uses.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "proctest")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, remove(dir)) })
	return dir
}

// remove removes a directory of files.
func remove(dir string) error {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
	}
	return errors.Join(err, os.Remove(dir))
}

// Mkfifo makes a named pipe. The system call is not to be had everywhere that the
// command is.
func Mkfifo(t testing.TB, path string) {
	t.Helper()
	require.NoError(t, exec.Command("mkfifo", path).Run())
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
