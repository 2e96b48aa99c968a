package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// A terminal is a pseudoterminal, of which the test is the user.
type terminal struct {
	user, tty *os.File
	screen    proctest.Output // all that was written to the terminal
	closed    chan struct{}   // once nobody has the terminal open any more
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	user, tty := proctest.Terminal(t)
	term := &terminal{user: user, tty: tty, closed: make(chan struct{})}
	go func() {
		defer close(term.closed)
		io.Copy(&term.screen, user)
	}()
	t.Cleanup(func() {
		tty.Close()
		proctest.Receive(t, term.closed)
	})
	return term
}

// text returns what is to be seen in the end.
func (term *terminal) text(t *testing.T) string {
	t.Helper()
	require.NoError(t, term.tty.Close())
	proctest.Receive(t, term.closed)
	return rendered(term.screen.String())
}

// rendered returns what a terminal shows of what was written to it.
func rendered(written string) string {
	var shown []string
	for line := range strings.SplitSeq(written, "\n") {
		var cells []byte
		column := 0
		for _, c := range []byte(line) {
			if c == '\r' {
				column = 0
				continue
			}
			if column == len(cells) {
				cells = append(cells, 0)
			}
			cells[column] = c
			column++
		}
		shown = append(shown, strings.TrimRight(string(cells), " "))
	}
	return strings.Join(shown, "\n")
}

func TestProgress(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	later := newNamedGate(t, filepath.Join(dir, "later")) // or 3 could go through before 2
	term := newTerminal(t)
	code := make(chan int, 1)
	stdin, input := io.Pipe()
	go func() {
		args := append([]string{"-k", "-j", "2"}, script(dir,
			`case $1 in 1|2) read line <gate;; *) read line <later;; esac; echo $1; [ $1 != 3 ]`)...)
		code <- run(nil, args, stdin, term.tty, term.tty)
	}()
	io.WriteString(input, lines(4))
	term.screen.Await(t, 1, "\r0 done, 0 failed, 2 running")
	input.Close()
	term.screen.Await(t, 1, "\r[..........] 0/4 done, 0 failed, 2 running")
	gate.open(t, 2)
	term.screen.Await(t, 1, "1\r\n")
	term.screen.Await(t, 1, "2\r\n")
	term.screen.Await(t, 1, "\r[#####.....] 2/4 done, 0 failed, 2 running")
	later.open(t, 2)
	got, _ := proctest.Receive(t, code)
	assert.Equal(t, exitFailed, got)
	message := regexp.MustCompile(`(?m)^parallel: sh .* 3: exit status 1$`)
	assert.Equal(t, "1\n2\n3\nMESSAGE\n4\n", message.ReplaceAllString(term.text(t), "MESSAGE"))
}

// Only the standard output is a terminal, or nothing is.
func TestNoProgress(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	assert.False(t, isTerminal(null))
	assert.False(t, isTerminal(new(proctest.Output)))

	dir := t.TempDir()
	gate := newGate(t, dir)
	term := newTerminal(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	assert.False(t, isTerminal(w))
	p := newPrinter(term.tty, w)
	assert.Nil(t, p.bar)
	p.close()
	proctest.Receive(t, p.done)

	c := program(t, script(dir, `read line <gate; echo $1`)...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(lines(3)), term.tty, w
	require.NoError(t, c.Start())
	require.NoError(t, w.Close())
	gate.open(t, 3)
	err, _ = proctest.Receive(t, c.WaitChan(t.Context()))
	require.NoError(t, err)
	stderr, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Empty(t, string(stderr))
	assert.NotContains(t, term.text(t), "done")
}

// The line that the cursor is in belongs to the output.
func TestProgressAfterPartOfALine(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	term := newTerminal(t)
	code := make(chan int, 1)
	go func() {
		args := append([]string{"-k", "-j", "1"}, script(dir, `read line <gate; printf "<%s>" $1`)...)
		code <- run(nil, args, strings.NewReader(lines(2)), term.tty, term.tty)
	}()
	term.screen.Await(t, 1, "0/2")
	gate.open(t, 2)
	got, _ := proctest.Receive(t, code)
	assert.Zero(t, got)
	assert.Equal(t, "<1><2>", term.text(t))
}

// Ctrl-C at the terminal that is everything to the program. The command doesn't
// get it.
func TestCtrlC(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	term := newTerminal(t)
	c := program(t, append([]string{"-grace", "1h"}, script(dir, `>run; read line <gate; echo survived`)...)...)
	c.Stdin, c.Stdout, c.Stderr = term.tty, term.tty, term.tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	require.NoError(t, c.Start())
	_, err := term.user.WriteString("x\n")
	require.NoError(t, err)
	awaitFiles(t, dir, "run", 1)
	term.screen.Await(t, 1, "1 running")
	_, err = term.user.WriteString("\x03")
	require.NoError(t, err)
	term.screen.Await(t, 1, "stopping; 1 still running")
	gate.open(t, 1)
	err, _ = proctest.Receive(t, c.WaitChan(t.Context()))
	require.Error(t, err)
	assert.Equal(t, exitInterrupted, c.ProcessState.ExitCode(), err)
	assert.Equal(t, "x\nparallel: stopping; 1 still running will be killed in 1h0m0s, or at an interrupt\nsurvived\n", term.text(t))
}

func TestBar(t *testing.T) {
	for want, s := range map[string]status{
		"0 done, 0 failed, 0 running":                   {},
		"7 done, 1 failed, 2 running":                   {lines: 20, done: 7, failed: 1, running: 2},
		"0 done, 0 failed, 0 running ":                  {total: true},
		"[##########] 3/3 done, 0 failed, 0 running":    {lines: 3, total: true, done: 3},
		"[#########.] 99/100 done, 3 failed, 1 running": {lines: 100, total: true, done: 99, failed: 3, running: 1},
	} {
		assert.Equal(t, strings.TrimSpace(want), s.String())
	}

	var written strings.Builder
	b := &bar{w: &written}
	b.clear()
	assert.Empty(t, written.String())
	for _, n := range []int{1000, 1, 1, 10} { // shorter, the same, longer
		s := status{done: n}
		b.draw(s)
		assert.Equal(t, s.String(), rendered(written.String()))
	}
	written.WriteString("^C")
	b.clear()
	b.clear()
	assert.Empty(t, rendered(written.String()))
}
