package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// kill sends a signal to PID 1.
func (c *container) kill(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, c.Signal(sig))
}

// Init forwards every signal that can be forwarded.
func TestForward(t *testing.T) {
	own := []syscall.Signal{syscall.SIGCHLD, syscall.SIGTTIN, syscall.SIGTTOU}
	ownOf := map[string][]syscall.Signal{
		"init": own,
		"tini": append([]syscall.Signal{syscall.SIGFPE, syscall.SIGILL, syscall.SIGSEGV, syscall.SIGBUS,
			syscall.SIGABRT, syscall.SIGTRAP, syscall.SIGSYS}, own...),
	}
	unfit := []syscall.Signal{
		syscall.SIGKILL, syscall.SIGSTOP,
		32, 33, 34, // used by the C library
		syscall.SIGURG, syscall.SIGPROF, // listen cannot distinguish them from its own
		syscall.SIGTERM, // ends listen
	}
	forInits(t, func(t *testing.T, init string) {
		c := start(t, init, "--", "listen")
		c.out.Await(t, 1, "listening\n")
		for _, sig := range ownOf[init] {
			c.kill(t, sig)
		}
		want := "listening\n"
		for sig := syscall.Signal(1); sig <= 64; sig++ {
			if slices.Contains(unfit, sig) || slices.Contains(ownOf[init], sig) {
				continue
			}
			c.kill(t, sig)
			got := fmt.Sprintf("got %d\n", sig)
			c.out.Await(t, 1, got)
			want += got
		}
		c.kill(t, syscall.SIGTERM)
		assertResult(t, result{7, want + "got 15\n"}, c)
	})
}

// Signals that the Go runtime uses itself are not forwarded, and do not harm init.
func TestRuntimeSignals(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c := start(t, append([]string{init}, sh(`trap 'echo URG' URG; trap 'echo PROF' PROF; trap 'exit 3' USR1
			echo ready; while :; do sleep 0.01; done`)...)...)
		c.out.Await(t, 1, "ready\n")
		c.kill(t, syscall.SIGURG)
		c.kill(t, syscall.SIGPROF)
		want := "ready\n"
		if init == "tini" {
			c.out.Await(t, 1, "URG\n")
			c.out.Await(t, 1, "PROF\n")
			want = c.out.String() // the kernel chooses the order
		}
		c.kill(t, syscall.SIGUSR1)
		assertResult(t, result{3, want}, c)
	})
}

// A signal that arrives before init has started the command is not lost.
func TestSignalBeforeStart(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		// The signal mask is inherited, so SIGUSR1 stays pending until the command is ready for it.
		c := start(t, "block", "pending", init, "--", "listen")
		c.out.Await(t, 1, "got 10\n")
		c.kill(t, syscall.SIGTERM)
		assertResult(t, result{7, "listening\ngot 10\ngot 15\n"}, c)
	})
	t.Run("just before", func(t *testing.T) {
		needsContainers(t)
		c := start(t, "early", "sleep", "1000")
		assertResult(t, result{code: 128 + int(syscall.SIGUSR1)}, c)
	})
}

// A signal that the command does not catch terminates it, and so the container.
func TestEndBySignal(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGTERM, 64} {
			c := start(t, append([]string{init}, sh("ulimit -c 0; echo ready; exec sleep 1000")...)...)
			c.out.Await(t, 1, "ready\n")
			c.kill(t, sig)
			assertResult(t, result{128 + int(sig), "ready\n"}, c)
		}
	})
}

// Signals that were ignored when init started remain ignored.
func TestIgnored(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c := start(t, append([]string{"sh", "-c", `trap '' HUP INT; exec "$@"`, "sh", init},
			sh(`trap 'exit 3' USR1; echo ready; while :; do sleep 0.01; done`)...)...)
		c.out.Await(t, 1, "ready\n")
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGUSR1} {
			c.kill(t, sig)
		}
		assertResult(t, result{3, "ready\n"}, c)
	})
}

// With -g, a signal is forwarded to the command's whole process group.
func TestGroup(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		for _, flags := range [][]string{nil, {"-g"}} {
			t.Run(strings.Join(flags, ""), func(t *testing.T) {
				c := start(t, slices.Concat([]string{init}, flags, sh(`listen & setsid listen & exec listen`))...)
				c.out.Await(t, 3, "listening\n")
				want := 1 + len(flags)
				for _, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
					c.kill(t, sig)
					c.out.Await(t, want, fmt.Sprintf("got %d\n", sig))
				}
				assert.Equal(t, want, strings.Count(c.out.String(), "got 10\n"), c.out.String())
				c.kill(t, syscall.SIGTERM)
				assert.Equal(t, 7, c.wait(t))
			})
		}
	})
}

// SIGTSTP to init stops the command, and SIGCONT to init resumes it.
func TestStop(t *testing.T) {
	forInits(t, func(t *testing.T, init string) {
		c := start(t, append([]string{init}, sh("echo $$; exec sleep 1000")...)...)
		c.out.Await(t, 1, "\n")
		command := c.child(t)
		c.kill(t, syscall.SIGTSTP)
		proctest.Until(t, func() bool { return proctest.State(command) == 'T' }, "not stopped")
		c.kill(t, syscall.SIGCONT)
		proctest.Until(t, func() bool { return proctest.State(command) == 'S' }, "not resumed")
		c.kill(t, syscall.SIGTERM)
		assert.Equal(t, 143, c.wait(t))
	})
}

// child returns the PID, as seen outside the container, of the only child of PID 1.
func (c *container) child(t *testing.T) int {
	t.Helper()
	var list strings.Builder
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.Process.Pid))
	require.NoError(t, err)
	for _, task := range tasks {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", c.Process.Pid, task.Name()))
		require.NoError(t, err)
		list.Write(children)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(list.String()))
	require.NoError(t, err)
	return pid
}
