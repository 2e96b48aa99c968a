//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func TestOutput(t *testing.T) {
	c := begin(t, `
		a:   sh -c "echo out; echo err >&2; exec sleep 600"
		abc: sh -c "echo; echo 2; exec sleep 600"
	`)
	c.stdout.await(t, 1, "a   | err\n")
	c.stdout.await(t, 1, "abc | 2\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	of := func(prefix string) (lines []string) { // the lines of the two commands may interleave
		for line := range strings.Lines(c.stdout.String()) {
			if strings.HasPrefix(line, prefix) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	assert.Equal(t, []string{"a   | out\n", "a   | err\n"}, of("a "))
	assert.Equal(t, []string{"abc | \n", "abc | 2\n"}, of("abc "))
}

// An incomplete line of one process is not joined with the output of the next process.
func TestPartOfALine(t *testing.T) {
	c := begin(t, `a: printf x`)
	c.stdout.await(t, 5, "a | x\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.NotContains(t, c.stdout.String(), "xa")
}

// The commands keep running if the output is not read or can't be written.
func TestOutputLost(t *testing.T) {
	blocked := make(chan struct{})
	for _, test := range []struct {
		name string
		w    writerFunc
	}{
		{"blocked", func(b []byte) (int, error) { <-blocked; return len(b), nil }},
		{"broken", func([]byte) (int, error) { return 0, errors.New("broken") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCall()
			c.begin(t, test.w, &c.stderr, "a: echo x")
			c.stderr.await(t, 5, "a: exit status 0")
			c.interrupt()
			assert.Zero(t, c.wait(t))
			if test.name == "blocked" {
				assert.Regexp(t, `supervisor: gave up copying the output of \d+ processes\n`, c.stderr.String())
			}
		})
	}
	close(blocked)
}

// Output that is lost because its reader has gone is reported.
func TestReaderGone(t *testing.T) {
	r, stdout, err := os.Pipe()
	require.NoError(t, err)
	defer stdout.Close()
	fifo := filepath.Join(proctest.TempDir(t), "fifo")
	proctest.Mkfifo(t, fifo)
	c := newCall()
	c.begin(t, stdout, &c.stderr, `a: sh -c "echo 1; read x <$0; echo 22; echo 333; exec sleep 600" `+fifo)
	_, err = r.Read(make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoError(t, os.WriteFile(fifo, []byte("go\n"), 0))
	c.stderr.await(t, 1, "supervisor: output is being lost: write |1: broken pipe\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.Contains(t, c.stderr.String(), "supervisor: lost 2 lines of output, 15 bytes\n")
}

// Once the output can be written again, the loss is reported, and it is not reported again at the
// end.
func TestLostForATime(t *testing.T) {
	c := newCall()
	var broken atomic.Bool
	broken.Store(true)
	w := writerFunc(func(b []byte) (int, error) {
		if broken.Load() {
			return 0, errors.New("full")
		}
		return c.stdout.Write(b)
	})
	c.begin(t, w, &c.stderr, "a: echo x")
	c.stderr.await(t, 1, "supervisor: output is being lost: full\n")
	broken.Store(false)
	c.stderr.await(t, 1, "supervisor: lost ")
	c.stdout.await(t, 1, "a | x\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.Equal(t, 1, strings.Count(c.stderr.String(), "supervisor: lost "))
}

// If its messages are not read, supervisor keeps running, and reports how many messages are
// missing.
func TestMessagesUnread(t *testing.T) {
	c := newCall()
	reading := make(chan struct{})
	w := writerFunc(func(b []byte) (int, error) {
		<-reading
		return c.stderr.Write(b)
	})
	const n = 500
	c.begin(t, &c.stdout, w, manyCommands(n, "./no/such")+"a: echo x")
	c.stdout.await(t, 15, "| x\n") // each other command is tried as often meanwhile
	close(reading)
	c.stderr.await(t, 1, " messages are missing here\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
}

func TestTimestamps(t *testing.T) {
	c := begin(t, `a: sh -c "echo x; exec sleep 600"`, "-time")
	c.stdout.await(t, 1, "\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	const stamp = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[-+]\d\d:\d\d)`
	assert.Regexp(t, `^`+stamp+` a \| x\n$`, c.stdout.String())
	assert.Regexp(t, `^`+stamp+` supervisor: a: started as process \d+\n`+stamp+` supervisor: a: shut down: `, c.stderr.String())
}

func read(file string) string {
	text, _ := os.ReadFile(file)
	return string(text)
}

func awaitText(t *testing.T, file, text string) {
	t.Helper()
	proctest.Until(t, func() bool { return strings.Contains(read(file), text) }, "%q is not in %s", text, file)
}

// After the log is renamed, supervisor continues in a new file.
func TestLog(t *testing.T) {
	log := filepath.Join(proctest.TempDir(t), "log")
	c := begin(t, `a: sh -c "echo x; exec sleep 600"`, "-log", log)
	awaitText(t, log, "supervisor: a: started as process ")
	awaitText(t, log, "a | x\n")
	old := log + ".1"
	require.NoError(t, os.Rename(log, old))
	kill(t, read(old), "a")
	awaitText(t, old, "a: signal: killed; again in")
	before := read(old)
	c.reopens <- syscall.SIGUSR1
	awaitText(t, log, "supervisor: reopened the log\n")
	restarted := func(n int) {
		t.Helper()
		proctest.Until(t, func() bool { return len(starts(read(old)+read(log), "a")) == 1+n }, "not restarted %d times", n)
	}
	restarted(1)
	kill(t, read(old)+read(log), "a")
	awaitText(t, log, "a: signal: killed; again in")
	restarted(2)
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.Contains(t, read(log), "supervisor: a: shut down: signal: terminated\n")
	assert.True(t, strings.HasPrefix(read(old), before))
	assert.Empty(t, c.stdout.String()+c.stderr.String())
}

// If the log can't be reopened, the old file stays open.
func TestReopenErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	require.NoError(t, os.Mkdir(dir, 0o700))
	log := filepath.Join(dir, "log")
	c := begin(t, `a: sleep 600`, "-log", log)
	awaitText(t, log, "started")
	require.NoError(t, os.Rename(dir, dir+".1"))
	c.reopens <- syscall.SIGUSR1
	awaitText(t, filepath.Join(dir+".1", "log"), "still writing to the old log: open "+log)
	c.interrupt()
	assert.Zero(t, c.wait(t))

	c = begin(t, `a: sleep 600`)
	c.reopens <- syscall.SIGUSR1
	c.stderr.await(t, 1, "supervisor: there is no log to reopen\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.Equal(t, exitFailed, run(signals{}, []string{"-log", log, "-socket", "", c.file}, &c.stdout, &c.stderr))
	assert.Contains(t, c.stderr.String(), "supervisor: open "+log)
}

func TestRaw(t *testing.T) {
	c := begin(t, `a: sh -c "echo out; echo err >&2"`, "-raw")
	c.stdout.await(t, 2, "out\n")
	c.stderr.await(t, 2, "err\n")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.NotContains(t, c.stdout.String(), "|")
}
