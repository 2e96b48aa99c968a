package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// A single goroutine, the one of run, supervises all commands. There is one more in which execx
// waits for all of them, one on whose thread they are started, one that writes the messages and,
// unless the output is raw, one for each command to copy its output.
func TestScale(t *testing.T) {
	proctest.Slow(t)
	for _, test := range []struct {
		name, flag string
		n          int
		goroutines int // per command
	}{
		{"raw", "-raw", 300, 0},
		{"prefixed", "-raw=false", 100, 1},
	} {
		t.Run(test.name, func(t *testing.T) { testScale(t, test.flag, test.n, test.goroutines) })
	}
}

func testScale(t *testing.T, flag string, n, goroutines int) {
	// The commands inherit it, so it must be a file.
	stderr, err := os.OpenFile(filepath.Join(t.TempDir(), "stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer stderr.Close()
	said := func() string {
		text, err := os.ReadFile(stderr.Name())
		require.NoError(t, err)
		return string(text)
	}
	before, threads := runtime.NumGoroutine(), proctest.Threads(t)
	running := func(starts int) {
		t.Helper()
		proctest.Until(t, func() bool { return strings.Count(said(), "started as process ") == starts }, "there are not %d starts", starts)
		// The goroutines that copied the output of ended commands may be about to return.
		proctest.Until(t, func() bool { return runtime.NumGoroutine()-before <= 4+n*goroutines }, "too many goroutines")
		assert.LessOrEqual(t, proctest.Threads(t)-threads, runtime.GOMAXPROCS(0)+10)
	}

	c := newCall()
	c.begin(t, stderr, stderr, manyCommands(n, "sleep 600"), flag)
	running(n)
	for _, match := range regexp.MustCompile(`started as process (\d+)`).FindAllStringSubmatch(said(), -1) {
		pid, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	running(2 * n)
	assert.Equal(t, n, strings.Count(said(), "signal: killed; again in"))

	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.Equal(t, n, strings.Count(said(), "shut down: signal: terminated"))
}
