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

// Deadline is how long a test waits for an event that is certain to happen, however loaded the
// machine is.
const Deadline = time.Minute

// CanWatch reports whether the end of a process can be seen on this system without reaping it.
const CanWatch = runtime.GOOS == "linux" || runtime.GOOS == "windows"

// NeedsWatch skips the test if CanWatch is false.
func NeedsWatch(t testing.TB) {
	t.Helper()
	if !CanWatch {
		t.Skip("needs to see the end of a process without reaping it")
	}
}

// Play runs the program that this process was started as, if that is one of those that Windows
// lacks, and exits.
func Play() {
	if code, is := play(); is {
		os.Exit(code)
	}
}

// WithPrograms returns m with a Run that makes these programs available to the tests, and runs more
// parallel tests at a time. TestMain must call [Play] first.
func WithPrograms(m *testing.M) goleak.TestingM { return withPrograms{m} }

type withPrograms struct{ m *testing.M }

func (p withPrograms) Run() int {
	defer offerPrograms()()
	// Parallel tests spend most of their time waiting for processes. The command line takes
	// precedence.
	flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
	return p.m.Run()
}

// Checked returns m with a Run that also fails if the tests leave a child process behind, zombies
// included. It also runs the processes of [Trace] and [Leaderless], and does what [Play] and
// [WithPrograms] do.
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
	code := WithPrograms(c.m).Run()
	if left := Children(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "proctest: children left behind: %v\n", left)
		return 1
	}
	return code
}

// Slow skips a test that takes more than a second in short mode.
func Slow(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes more than a second")
	}
}

// Until waits until cond returns true. It is for conditions without an event to wait for.
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

// Collect runs the garbage collector until cond returns true.
func Collect(t testing.TB, cond func() bool, what string, args ...any) {
	t.Helper()
	Until(t, func() bool {
		runtime.GC()
		return cond()
	}, what, args...)
}

// Receive returns the next value of ch, or false if ch is closed.
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

// Ended reports whether there is no process with the given PID, or only a zombie: the init process
// may take its time to reap an orphan. If the state is unknown, Ended returns true.
func Ended(pid int) bool {
	state := State(pid)
	return state == 0 || state == 'Z'
}

// Kill kills a process, which need not be a child.
func Kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
		p.Release()
	}
}

// Start starts a process. It is killed and reaped at the end of the test.
func Start(t testing.TB, name string, arg ...string) *os.Process {
	t.Helper()
	c := exec.Command(name, arg...)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Process.Wait()
		c.Process.Release() // in case other code has reaped it
	})
	return c.Process
}

// WithoutPidfd returns an os.Process without a pidfd for the process of p, and releases p, which
// sets p.Pid to -1. The process is killed and reaped at the end of the test.
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

// TempDir is like t.TempDir, for files only. Wine does not support what [os.RemoveAll] uses.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "proctest")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, remove(dir)) })
	return dir
}

// remove removes a directory that contains only files.
func remove(dir string) error {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
	}
	return errors.Join(err, os.Remove(dir))
}

// Mkfifo creates a named pipe. Not all systems that have the command have the system call.
func Mkfifo(t testing.TB, path string) {
	t.Helper()
	require.NoError(t, exec.Command("mkfifo", path).Run())
}

// NoLeaks checks at the end of the test that the test has left no goroutine, child or descriptor
// behind.
func NoLeaks(t testing.TB) {
	t.Helper()
	goroutines := goleak.IgnoreCurrent()
	children := len(Children())
	fds := Descriptors()
	t.Cleanup(func() {
		goleak.VerifyNone(t, goroutines)
		require.Len(t, Children(), children, "children")
		// The runtime closes unreachable files at some later time.
		Until(t, func() bool {
			now := Descriptors()
			if now > fds {
				runtime.GC()
			}
			return now <= fds
		}, "descriptors: were %d", fds)
	})
}
