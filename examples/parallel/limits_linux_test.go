package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// processLimit is the environment variable that sets the program's limit on processes.
const processLimit = "PARALLEL_TEST_PROCESSES"

func init() {
	if n, err := strconv.ParseUint(os.Getenv(processLimit), 10, 64); err == nil {
		if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Unsetenv(processLimit)
	}
}

// runOut runs c with n lines, whose commands wait at the gate until some could not be started. In
// the end, all commands have run, and there was one warning.
func runOut(t *testing.T, c *execx.Cmd, n int, gate gate, reason string) {
	t.Helper()
	var stdout bytes.Buffer
	var stderr proctest.Output
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(lines(n)), &stdout, &stderr
	if err := c.Start(); err != nil {
		t.Skip(err)
	}
	stderr.Await(t, 1, "\n")
	gate.open(t, n)
	err, _ := proctest.Receive(t, c.WaitChan(t.Context()))
	assert.NoError(t, err)
	assert.Equal(t, lines(n), stdout.String())
	assert.Regexp(t, "^parallel: warning: .*"+reason+"; .*, now [0-9]+\n$", stderr.String())
}

const waitAtGate = `read line <gate; echo $1`

func TestDescriptorsRunOut(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	c := program(t, append([]string{"-k", "-j", "100"}, script(dir, waitAtGate)...)...)
	c.Args = append([]string{"sh", "-c", `ulimit -n 60; exec "$@"`, "sh", c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
	runOut(t, c, 200, gate, "too many open files")
}

func TestProcessesRunOut(t *testing.T) {
	proctest.NeedsRoot(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	gate := newGate(t, dir)
	c := program(t, append([]string{"-k", "-j", "0"}, script(dir, waitAtGate)...)...)
	c.Path = "/proc/self/exe" // other users cannot reach its real path
	c.Env = append(c.Env, fmt.Sprint(processLimit, "=", 18+runtime.GOMAXPROCS(0)))
	uid := uint32(1<<20 + os.Getpid()) // unused otherwise: the limit counts all processes of a user
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, NoSetGroups: true}}
	runOut(t, c, 100, gate, "resource temporarily unavailable")
}

// If a command cannot be started although no other command is running, it has failed.
func TestNoDescriptorsAtAll(t *testing.T) {
	for limit := range 30 { // with a very low limit, not even the Go runtime starts
		c := program(t, "true")
		c.Args = append([]string{"sh", "-c", `ulimit -n $0; exec "$@"`, strconv.Itoa(limit), c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
		var stderr bytes.Buffer
		c.Stdin, c.Stderr = strings.NewReader(lines(2)), &stderr
		if c.Run(); c.ProcessState.ExitCode() == exitFailed {
			assert.Equal(t, 2, strings.Count(stderr.String(), "too many open files\n"), stderr.String())
			return
		}
	}
	assert.Fail(t, "the commands failed with none of the limits")
}

// After an interrupt, a command that waits for resources is neither run nor waited for.
func TestInterruptWithoutRoom(t *testing.T) {
	for _, keep := range []string{"-k", "-k=false"} {
		dir := t.TempDir()
		gate := newGate(t, dir)
		c := program(t, append([]string{keep, "-j", "100", "--grace", "1h"}, script(dir, waitAtGate)...)...)
		c.Args = append([]string{"sh", "-c", `ulimit -n 60; exec "$@"`, "sh", c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
		var stderr proctest.Output
		c.Stdin, c.Stderr = strings.NewReader(lines(200)), &stderr
		require.NoError(t, c.Start())
		stderr.Await(t, 1, "warning")
		require.NoError(t, c.Signal(os.Interrupt))
		stderr.Await(t, 1, "stopping")
		gate.open(t, 200)
		proctest.Receive(t, c.WaitChan(t.Context()))
		assert.Equal(t, exitInterrupted, c.ProcessState.ExitCode(), stderr.String())
	}
}
