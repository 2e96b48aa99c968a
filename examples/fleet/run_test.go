package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	f := local(t)
	worker := f.worker("-j", "3")

	t.Run("order", func(t *testing.T) {
		status, stdout, stderr := f.run("3\n\n1\n2\n", "-k", "sh", "-c", "sleep 0.$0; echo $0")
		assert.Zero(t, status)
		assert.Equal(t, "3\n1\n2\n", stdout)
		assert.Empty(t, stderr)
	})
	t.Run("failures", func(t *testing.T) {
		status, stdout, stderr := f.run("0\n3\n0\n", "-k", "sh", "-c", "echo $0; printf oops >&2; exit $0")
		assert.Equal(t, exitFailed, status)
		assert.Equal(t, "0\n3\n0\n", stdout)
		assert.Regexp(t, "^oopsoops\nfleet: sh -c .* 3: exit status 3 \\(on .*:\\d+\\)\noops$", stderr)
		status, _, stderr = f.run("x\n", "/no/such/program")
		assert.Equal(t, exitFailed, status)
		assert.Contains(t, stderr, "fleet: /no/such/program x: fork/exec /no/such/program: no such file")
	})
	t.Run("bytes", func(t *testing.T) {
		_, stdout, _ := f.run("\xff\x01\r\n", "printf", "%s")
		assert.Equal(t, "\xff\x01\r", stdout)
	})
	t.Run("nothing", func(t *testing.T) {
		status, stdout, stderr := f.run("\n", "echo")
		assert.Zero(t, status)
		assert.Empty(t, stdout+stderr)
	})
	t.Run("directory", func(t *testing.T) {
		here, err := os.Getwd()
		require.NoError(t, err)
		_, stdout, _ := f.run("-P\n", "pwd")
		assert.Equal(t, here+"\n", stdout)
		_, stdout, _ = f.run("-P\n", "-C", "/", "pwd")
		assert.Equal(t, "/\n", stdout)
	})
	t.Run("much output", func(t *testing.T) {
		const script = `i=0; while [ $i -lt 20000 ]; do echo "$0 line $i"; i=$((i+1)); done; echo end >&2`
		status, stdout, stderr := f.run("a\nb\n", "-k", "sh", "-c", script)
		assert.Zero(t, status)
		var want strings.Builder
		for _, name := range []string{"a", "b"} {
			for i := range 20000 {
				fmt.Fprintf(&want, "%s line %d\n", name, i)
			}
		}
		assert.True(t, want.String() == stdout, "the output differs")
		assert.Equal(t, "end\nend\n", stderr)
	})
	t.Run("a line that is too long", func(t *testing.T) {
		status, stdout, stderr := f.run("1\n"+strings.Repeat("x", 2<<20)+"\n2\n", "-k", "echo")
		assert.Equal(t, exitFailed, status)
		assert.Equal(t, "1\n2\n", stdout)
		assert.Contains(t, stderr, "maximum payload exceeded")
	})
	t.Run("time limit", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "pid")
		status, _, stderr := f.run(file+"\n", "-timeout", "300ms", "sh", "-c", "sleep 1000 & echo $! >$0; wait")
		assert.Equal(t, exitFailed, status)
		assert.Contains(t, stderr, ": timed out after 300ms (on ")
		assert.True(t, proctest.Ended(pidIn(t, file)))
	})
	t.Run("what is left behind", func(t *testing.T) {
		_, stdout, _ := f.run("x\n", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
		var pid int
		_, err := fmt.Sscan(stdout, &pid)
		require.NoError(t, err)
		proctest.Until(t, func() bool { return proctest.Ended(pid) }, "%d", pid)
	})
	t.Run("reader gone", func(t *testing.T) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		p := f.command("run", "echo")
		p.Stdin, p.Stdout = strings.NewReader(numbers(1000)), w
		p.start()
		w.Close()
		r.Close()
		assert.Equal(t, exitFailed, p.status())
		p.says("broken pipe")
		assert.NotContains(t, f.list(), p.name())
	})
	require.NoError(t, worker.Signal(syscall.SIGTERM))
	assert.Zero(t, worker.status())
}

// Results that exceed the memory limit are fetched again.
func TestHeld(t *testing.T) {
	t.Parallel()
	f := remote(t)
	ctx, stop := context.WithTimeout(t.Context(), proctest.Deadline)
	defer stop()
	s := f.open(ctx)
	for _, i := range []int{3, 1, 2, 0} {
		r := &result{Index: i, Output: []piece{{Data: fmt.Appendln(nil, i)}}}
		require.NoError(t, s.put(ctx, resultSubject("r", i), r))
	}
	var stdout bytes.Buffer
	p := &printer{store: s, run: "r", keepOrder: true, maxHeld: 100, stdout: &stdout, waiting: make(map[int]arrival)}
	total := make(chan int, 1)
	total <- 4
	require.NoError(t, p.print(ctx, total))
	assert.Equal(t, numbers(4), stdout.String())
	assert.Zero(t, p.held)
}

// A job that kills its workers is not retried forever.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	f := remote(t)
	client := f.client("x\n", "sh", "-c", "kill -9 $PPID")
	for range maxAttempts + 1 {
		w := f.worker("-j", "1", "-lost", "1s")
		proctest.Until(t, func() bool { return w.ended() || client.ended() }, "neither has ended")
	}
	assert.Equal(t, exitFailed, client.status())
	client.says("given up, because its workers were lost 5 times")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	f := local(t)
	w := f.worker("-j", "2")
	file := filepath.Join(t.TempDir(), "pid")
	client := f.client(file+"\n", "sh", "-c", "echo $$ >$0; exec sleep 1000")
	pidIn(t, file)
	assert.Regexp(t, fmt.Sprintf(`(?s)^WORKER +SLOTS +RUNNING\n\S+:%d +2 +1\n\nRUN .*\n%s +\S+ \S+ +1 +0 +1 +0 +sh -c`, w.Process.Pid, client.name()), f.list())
	require.NoError(t, client.Signal(syscall.SIGINT))
	assert.Equal(t, exitInterrupted, client.status())
	assert.NotContains(t, f.list(), client.name())
}
