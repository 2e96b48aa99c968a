//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) {
	flushTime = 100 * time.Millisecond
	goleak.VerifyTestMain(proctest.Checked(m))
}

// A record is a Writer whose contents the test can read while the code under test writes.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// await waits until the record contains text n times.
func (r *record) await(t *testing.T, n int, text string) {
	t.Helper()
	proctest.Until(t, func() bool { return strings.Count(r.String(), text) >= n }, "%q is not there %d times", text, n)
}

// A call is a running call of run. If it is still running at the end of the test, it is
// interrupted.
type call struct {
	interrupts, reloads, reopens chan os.Signal

	file           string
	stdout, stderr record
	code           chan int
}

// begin calls run in a goroutine, with the commands in config and short delays.
func begin(t *testing.T, config string, flags ...string) *call {
	t.Helper()
	c := newCall()
	c.begin(t, &c.stdout, &c.stderr, config, flags...)
	return c
}

func newCall() *call {
	return &call{
		interrupts: make(chan os.Signal, 3),
		reloads:    make(chan os.Signal, 1),
		reopens:    make(chan os.Signal, 1),
		code:       make(chan int, 1),
	}
}

func (c *call) begin(t *testing.T, stdout, stderr io.Writer, config string, flags ...string) {
	t.Helper()
	c.file = filepath.Join(proctest.TempDir(t), "conf")
	c.write(t, config)
	args := append([]string{"-delay", "1ms", "-max-delay", "10ms", "-grace", "1h", "-time=false", "-socket", ""}, flags...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.code <- run(signals{c.interrupts, c.reloads, c.reopens}, append(args, c.file), stdout, stderr)
	}()
	t.Cleanup(func() {
		for {
			select {
			case c.interrupts <- os.Interrupt:
			case <-done:
				return
			}
		}
	})
}

// write writes the configuration file.
func (c *call) write(t *testing.T, config string) {
	t.Helper()
	require.NoError(t, os.WriteFile(c.file, []byte(config), 0o600))
}

func (c *call) interrupt() { c.interrupts <- os.Interrupt }

func (c *call) wait(t *testing.T) int {
	t.Helper()
	code, _ := proctest.Receive(t, c.code)
	return code
}

// manyCommands returns a configuration of n commands that are all the same.
func manyCommands(n int, command string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "c%d: %s\n", i, command)
	}
	return b.String()
}

func TestRestart(t *testing.T) {
	c := begin(t, `
		zero: true
		one:  false
		term: sh -c "kill -TERM $$"
		live: cat /dev/zero
	`, "-raw")
	c.stderr.await(t, 4, "supervisor: zero: exit status 0; again in ")
	c.stderr.await(t, 4, "supervisor: one: exit status 1; again in ")
	c.stderr.await(t, 4, "supervisor: term: signal: terminated; again in ")
	c.stderr.await(t, 1, "supervisor: live: started as process ")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.Equal(t, 1, strings.Count(c.stderr.String(), "live: started"))
	assert.Contains(t, c.stderr.String(), "supervisor: live: shut down: signal: terminated\n")
}

// A command that can't be started is retried on time. No process runs in this test, so it can use
// the clock of synctest.
func TestCantStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		begun := time.Now()
		clock := writerFunc(func(b []byte) (int, error) {
			fmt.Fprintf(&stderr, "%v ", time.Since(begun))
			return stderr.Write(b)
		})
		names := []string{"a", "b", "c", "d", "e"}
		commands, err := parse(strings.Join(names, ": ./no/such\n") + ": ./no/such")
		require.NoError(t, err)
		o := options{backoff: backoff{first: time.Second, max: 4 * time.Second, random: longest}, raw: true}
		interrupts := make(chan os.Signal, 1)
		time.AfterFunc(12*time.Second, func() { interrupts <- os.Interrupt })
		s, err := newSupervisor(o, commands, io.Discard, clock)
		require.NoError(t, err)
		assert.Zero(t, s.run(signals{interrupts: interrupts}))
		assert.Equal(t, 12*time.Second, time.Since(begun))

		var want strings.Builder
		for _, try := range []struct{ at, again int }{{0, 1}, {1, 2}, {3, 4}, {7, 4}, {11, 4}} {
			for _, name := range names {
				fmt.Fprintf(&want, "%ds supervisor: %s: fork/exec ./no/such: no such file or directory; again in %ds\n", try.at, name, try.again)
			}
		}
		assert.Equal(t, want.String(), stderr.String())
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Each command leads its own process group, and its standard input is empty.
func TestSurroundings(t *testing.T) {
	c := begin(t, `a: sh -c "cat; ps -o pgid= -p $$ | grep -qwx \" *$$ *\" && echo leader; exec sleep 600"`)
	c.stdout.await(t, 1, "a | leader\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"a", "b"}, {"-x", "a"}, {"-delay", "0", "a"}, {"-delay", "2m", "a"}, {"-grace", "1", "a"}} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(signals{}, args, &stdout, &stderr), args)
		assert.Empty(t, stdout.String(), args)
		assert.NotEmpty(t, stderr.String(), args)
	}
	var stdout, stderr bytes.Buffer
	assert.Zero(t, run(signals{}, []string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "usage: supervisor")
}

func TestConfigErrors(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run(signals{}, []string{filepath.Join(t.TempDir(), "missing")}, io.Discard, &stderr))
	assert.Contains(t, stderr.String(), syscall.ENOENT.Error())

	file := filepath.Join(t.TempDir(), "conf")
	require.NoError(t, os.WriteFile(file, []byte("a\nb:\n"), 0o600))
	stderr.Reset()
	assert.Equal(t, exitFailed, run(signals{}, []string{file}, io.Discard, &stderr))
	assert.Equal(t, file+":1: there is no colon after a name\n"+file+":2: b has no command\n", stderr.String())
}

func TestSample(t *testing.T) {
	text, err := os.ReadFile("supervisor.conf")
	require.NoError(t, err)
	commands, err := parse(string(text))
	assert.NoError(t, err)
	assert.Len(t, commands, 3)
}
