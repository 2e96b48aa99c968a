package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// A terminal is a pseudoterminal. The test acts as its user.
type terminal struct {
	user, tty *os.File
	screen    proctest.Output // everything written to the terminal
	closed    chan struct{}   // closed when no process has the terminal open any more
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

// text returns what the terminal shows in the end.
func (term *terminal) text(t *testing.T) string {
	t.Helper()
	require.NoError(t, term.tty.Close())
	proctest.Receive(t, term.closed)
	return rendered(term.screen.String())
}

// rendered returns what a terminal of unlimited width shows after written was written to it.
func rendered(written string) string {
	lines := [][]rune{nil}
	var row, column, savedRow, savedColumn int
	down := func() {
		if row++; row == len(lines) {
			lines = append(lines, nil)
		}
	}
	for len(written) > 0 {
		seq := sequence.FindString(written)
		written = written[len(seq):]
		switch seq {
		case "\r":
			column = 0
		case "\n", "\x1bD":
			down()
		case "\x1b[A":
			row--
		case "\x1b[K":
			lines[row] = lines[row][:min(column, len(lines[row]))]
		case "\x1b7":
			savedRow, savedColumn = row, column
		case "\x1b8":
			row, column = savedRow, savedColumn
		default:
			for len(lines[row]) <= column {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][column] = []rune(seq)[0]
			column++
		}
	}
	var text []string
	for _, line := range lines[:row+1] {
		text = append(text, strings.TrimRight(string(line), " "))
	}
	return strings.Join(text, "\n")
}

// sequence matches a character or an escape sequence.
var sequence = regexp.MustCompile(`^(?s:\x1b(\[[0-9;]*)?[A-Za-z0-9]|.)`)

func TestProgress(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	later := newNamedGate(t, filepath.Join(dir, "later")) // otherwise 3 could pass before 2
	term := newTerminal(t)
	code := make(chan int, 1)
	stdin, input := io.Pipe()
	go func() {
		args := append([]string{"-k", "-j", "2"}, script(dir,
			`case $1 in 1|2) read line <gate;; *) read line <later;; esac; echo $1; [ $1 != 3 ]`)...)
		code <- run(nil, args, stdin, term.tty, term.tty)
	}()
	io.WriteString(input, lines(4))
	term.screen.Await(t, 1, "\r0 done  2 running\x1b[K")
	input.Close()
	term.screen.Await(t, 1, "\r0/4 ["+strings.Repeat("-", 61)+"] 2 running\x1b[K")
	gate.open(t, 2)
	term.screen.Await(t, 1, "1\r\n")
	term.screen.Await(t, 1, "2\r\n")
	term.screen.Await(t, 1, "\r2/4 [=====")
	later.open(t, 2)
	got, _ := proctest.Receive(t, code)
	assert.Equal(t, exitFailed, got)
	message := regexp.MustCompile(`(?m)^parallel: sh .* 3: exit status 1$`)
	assert.Equal(t, "1\n2\n3\nMESSAGE\n4\n", message.ReplaceAllString(term.text(t), "MESSAGE"))
}

// There is no progress if only the standard output is a terminal, or nothing is.
func TestNoProgress(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	for _, w := range []io.Writer{null, new(proctest.Output)} {
		_, ok := asTerminal(w)
		assert.False(t, ok)
	}

	dir := t.TempDir()
	gate := newGate(t, dir)
	term := newTerminal(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
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

// The progress is shown below an incomplete line, and further output continues that line.
func TestProgressAfterPartOfALine(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	term := newTerminal(t)
	code := make(chan int, 1)
	go func() {
		args := append([]string{"-k", "-j", "1"}, script(dir, `read line <gate; printf "<%s>" $1`)...)
		code <- run(nil, args, strings.NewReader(lines(2)), term.tty, term.tty)
	}()
	term.screen.Await(t, 1, "0/2 [---")
	gate.open(t, 1)
	shown := regexp.MustCompile(`^<1>\n1/2 \[=+>-+\] 1 running, \S+ left$`)
	proctest.Until(t, func() bool { return shown.MatchString(rendered(term.screen.String())) }, "no progress below the output")
	gate.open(t, 1)
	got, _ := proctest.Receive(t, code)
	assert.Zero(t, got)
	assert.Equal(t, "<1><2>", term.text(t))
}

// Ctrl-C on the terminal interrupts the program, but the command does not receive the signal.
func TestCtrlC(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	term := newTerminal(t)
	c := program(t, append([]string{"--grace", "1h"}, script(dir, `>run; read line <gate; echo survived`)...)...)
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
	assert.Equal(t, "x\nparallel: stopping; 1 still running will be ended in 1h0m0s, or at an interrupt\nsurvived\n", term.text(t))
}

// The progress is as wide as the terminal, minus the room for the echo of ^C.
func TestWidths(t *testing.T) {
	state := status{lines: 1500, total: true, done: 750, failed: 3, running: 8}
	for _, test := range []struct {
		width int
		want  string
	}{
		{200, `^750/1500, 3 failed \[=+>-+\] 8 running, \S+ left$`},
		{80, `^750/1500, 3 failed \[=+>-+\] 8 running, \S+ left$`},
		{34, `^750/1500, 3 failed +\S+ left$`},
		{12, `^750/1500…$`},
		{1, `^.?$`},
	} {
		var written strings.Builder
		b := newBar(&written, func() int { return test.width })
		b.draw(state)
		shown := rendered(written.String())
		assert.Regexp(t, test.want, shown)
		assert.LessOrEqual(t, utf8.RuneCountInString(shown), max(1, test.width-3), shown)
		if test.width > 80 {
			assert.Equal(t, test.width-3, len(shown))
		}
		b.close()
		assert.Empty(t, rendered(written.String()))
	}
}

// A shorter progress line leaves nothing of the longer one before it.
func TestShorter(t *testing.T) {
	var written strings.Builder
	width := 80
	b := newBar(&written, func() int { return width })
	defer b.close()
	b.clear()
	assert.Empty(t, written.String())
	for _, n := range []int{1000, 1, 1, 10} { // shorter, the same, longer
		b.draw(status{done: n, running: 1})
		assert.Equal(t, fmt.Sprintf("%d done  1 running", n), rendered(written.String()))
	}
	written.WriteString("^C")
	b.clear()
	b.clear()
	assert.Empty(t, rendered(written.String()))
}
