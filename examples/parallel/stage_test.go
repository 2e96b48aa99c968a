//go:build unix

package main

import (
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// endless is a standard input that never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	return copy(b, "x\n"), nil
}

// openEnded returns a standard input that contains text and then blocks.
func openEnded(t *testing.T, text string) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	_, err = w.WriteString(text)
	require.NoError(t, err)
	return r
}

// savePid is a line of a script that writes $pid to the file pid.
const savePid = `echo $pid >tmp; mv tmp pid;`

// awaitPids waits for the file that savePid writes in dir, and returns the PIDs in it.
func awaitPids(t *testing.T, dir string) []int {
	t.Helper()
	awaitFiles(t, dir, "pid", 1)
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	require.NoError(t, err)
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		require.NoError(t, err)
		pids = append(pids, pid)
	}
	// If the test fails, the first process would outlive it.
	t.Cleanup(func() { syscall.Kill(pids[0], syscall.SIGKILL) })
	return pids
}

// awaitEnd waits until a process that is not a child of the test has ended.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	proctest.Until(t, func() bool {
		state := proctest.State(pid)
		return state == 0 || state == 'Z'
	}, "process %d has not ended", pid)
}

func TestInterruptWithNothingToDo(t *testing.T) {
	c := begin(openEnded(t, ""), "echo")
	c.interrupt(t)
	assert.Equal(t, exitInterrupted, c.wait(t))
	assert.Empty(t, c.stdout.String())
	assert.Empty(t, c.stderr.String())
}

func TestInterruptOfEndlessInput(t *testing.T) {
	c := begin(endless{}, "-j", "2", "echo")
	c.stdout.Await(t, 1, "x\n")
	c.interrupt(t)
	assert.Equal(t, exitInterrupted, c.wait(t))
}

// During the grace period, running commands can finish.
func TestGrace(t *testing.T) {
	for _, flag := range []string{"-k", "-k=false"} {
		dir := t.TempDir()
		gate := newGate(t, dir)
		c := begin(strings.NewReader(lines(9)), append([]string{flag, "-j", "2", "--grace", "1h"}, script(dir,
			`>run-$1; read line <gate; echo done`)...)...)
		awaitFiles(t, dir, "run-*", 2)
		c.interrupt(t)
		c.stderr.Await(t, 1, "parallel: stopping; 2 still running will be ended in 1h0m0s, or at an interrupt\n")
		gate.open(t, 9)
		assert.Equal(t, exitInterrupted, c.wait(t))
		assert.Equal(t, "done\ndone\n", c.stdout.String())
		awaitFiles(t, dir, "run-*", 2)
	}
}

func TestKill(t *testing.T) {
	for _, test := range []struct{ name, text, end string }{
		{"stubborn", `trap "" INT TERM HUP; pid=$$; echo partial; ` + savePid + ` exec sleep 1000`, "killed"},
		{"polite", `trap "echo bye; exit 3" TERM; sleep 1000 & pid=$!; echo partial; ` + savePid + ` wait`, ""},
		{"waits for its", `sleep 1000 & pid=$!; echo partial; ` + savePid + ` wait`, "terminated"},
	} {
		for _, grace := range []string{"1ms", "0s", "1h"} {
			t.Run(test.name+" "+grace, func(t *testing.T) {
				dir := t.TempDir()
				c := begin(openEnded(t, "x\n"), append([]string{"--grace", grace}, script(dir, test.text)...)...)
				pid := awaitPids(t, dir)[0]
				c.interrupt(t)
				if grace == "1h" {
					c.interrupt(t)
				}
				assert.Equal(t, exitInterrupted, c.wait(t))
				awaitEnd(t, pid)
				if test.end == "" {
					assert.Equal(t, "partial\nbye\n", c.stdout.String())
					assert.Contains(t, c.stderr.String(), ": exit status 3\n")
					return
				}
				assert.Equal(t, "partial\n", c.stdout.String())
				assert.Contains(t, c.stderr.String(), ": signal: "+test.end+"\n")
			})
		}
	}
}

// The program does not wait for a process that the command left behind in another process group,
// even if it keeps the output of the command open.
func TestAbandon(t *testing.T) {
	for _, interrupts := range []int{2, 3} {
		dir := t.TempDir()
		c := begin(openEnded(t, "x\n"), append([]string{"--grace", "1h"}, script(dir,
			`echo partial; setsid sleep 1000 & pid="$! $$"; `+savePid)...)...)
		pids := awaitPids(t, dir)
		proctest.Until(t, func() bool { return proctest.Ended(pids[1]) }, "the command has not ended")
		for range interrupts {
			c.interrupt(t)
		}
		assert.Equal(t, exitInterrupted, c.wait(t))
		if interrupts == 2 {
			assert.Equal(t, "partial\n", c.stdout.String())
			assert.Contains(t, c.stderr.String(), errOutputOpen.Error())
		}
		assert.NoError(t, syscall.Kill(pids[0], 0))
		proctest.Until(t, func() bool { return proctest.State(pids[1]) == 0 }, "the command was not reaped")
	}
}

// The third interrupt kills commands that the second one did not end.
func TestLeaveStubborn(t *testing.T) {
	dir := t.TempDir()
	c := begin(openEnded(t, "x\n"), append([]string{"--grace", "1h"}, script(dir,
		`trap "" TERM; pid=$$; `+savePid+` exec sleep 1000`)...)...)
	pid := awaitPids(t, dir)[0]
	for range 3 {
		c.interrupt(t)
	}
	assert.Equal(t, exitInterrupted, c.wait(t))
	awaitEnd(t, pid)
}

// The program exits even if its output is not read.
func TestLeave(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	interrupts, code := make(chan os.Signal), make(chan int, 1)
	go func() {
		code <- run(interrupts, []string{"echo"}, strings.NewReader(lines(9)), w, io.Discard)
	}()
	_, err := r.Read(make([]byte, 1)) // and no more
	require.NoError(t, err)
	for range leaving {
		interrupts <- os.Interrupt
	}
	got, _ := proctest.Receive(t, code)
	assert.Equal(t, exitInterrupted, got)
}

func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("the tests ignore the signal, because of nohup for example, and so does the program")
			}
			dir := t.TempDir()
			gate := newGate(t, dir)
			c := program(t, append([]string{"--grace", "1h"}, script(dir, `>run; read line <gate; echo done`)...)...)
			var stdout, stderr proctest.Output
			c.Stdin, c.Stdout, c.Stderr = openEnded(t, "x\ny\n"), &stdout, &stderr
			require.NoError(t, c.Start())
			awaitFiles(t, dir, "run", 1)
			require.NoError(t, c.Signal(sig))
			stderr.Await(t, 1, "stopping")
			gate.open(t, 2)
			err, _ := proctest.Receive(t, c.WaitChan(t.Context()))
			require.Error(t, err)
			assert.Equal(t, exitInterrupted, c.ProcessState.ExitCode(), err)
			assert.Contains(t, stdout.String(), "done\n")
		})
	}
}

// Under nohup, the program keeps running.
func TestIgnoredSignal(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	c := program(t, script(dir, `>run; read line <gate; echo done`)...)
	c.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$@"`, "sh", c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
	var stdout proctest.Output
	c.Stdin, c.Stdout = strings.NewReader("x\n"), &stdout
	require.NoError(t, c.Start())
	awaitFiles(t, dir, "run", 1)
	require.NoError(t, c.Signal(syscall.SIGHUP))
	gate.open(t, 1)
	err, _ := proctest.Receive(t, c.WaitChan(t.Context()))
	assert.NoError(t, err)
	assert.Equal(t, "done\n", stdout.String())
}
