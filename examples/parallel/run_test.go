//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// Command 1 ends only after 3 has started, and 3 starts only after 2 has ended.
const laggard = `case $1 in 1) read line <gate;; 3) echo >gate;; esac; echo $1`

func TestKeepOrder(t *testing.T) {
	dir := t.TempDir()
	newGate(t, dir)
	code, stdout, stderr := parallel(t, lines(9), append([]string{"-k", "-j", "2"}, script(dir, laggard)...)...)
	assert.Zero(t, code)
	assert.Equal(t, lines(9), stdout)
	assert.Empty(t, stderr)
}

func TestOrderOfCompletion(t *testing.T) {
	dir := t.TempDir()
	gate := newGate(t, dir)
	c := begin(strings.NewReader("first\nsecond\n"), append([]string{"-j", "2"}, script(dir,
		`case $1 in first) read line <gate; esac; echo $1`)...)...)
	c.stdout.Await(t, 1, "second\n")
	gate.open(t, 1)
	assert.Zero(t, c.wait(t))
	assert.Equal(t, "second\nfirst\n", c.stdout.String())
}

// The output of two commands that take turns writing is not mixed.
func TestGrouping(t *testing.T) {
	for _, flag := range []string{"-k", "-k=false"} {
		dir := t.TempDir()
		for _, fifo := range []string{"1", "2"} {
			proctest.Mkfifo(t, filepath.Join(dir, fifo))
		}
		code, stdout, stderr := parallel(t, "1 2\n2 1\n", append([]string{flag, "-j", "2"}, script(dir,
			`set -- $1; for i in a b c; do
				echo $1; echo $1 >&2
				case $1 in 1) echo >$1; read line <$2;; 2) read line <$2; echo >$1;; esac
			done`)...)...)
		assert.Zero(t, code)
		orders := []string{"1\n1\n1\n2\n2\n2\n"}
		if flag != "-k" {
			orders = append(orders, "2\n2\n2\n1\n1\n1\n")
		}
		assert.Contains(t, orders, stdout)
		assert.Equal(t, stdout, stderr)
	}
}

func TestJobLimit(t *testing.T) {
	const limit, n = 3, 20
	dir := t.TempDir()
	gate := newGate(t, dir)
	c := begin(strings.NewReader(lines(n)), append([]string{"-j", strconv.Itoa(limit)}, script(dir,
		`>run-$1; ls | grep -c run-; read line <gate; rm run-$1`)...)...)
	awaitFiles(t, dir, "run-*", limit)
	gate.open(t, n)
	assert.Zero(t, c.wait(t))
	var counts []int
	for field := range strings.FieldsSeq(c.stdout.String()) {
		count, err := strconv.Atoi(field)
		require.NoError(t, err)
		counts = append(counts, count)
	}
	assert.Len(t, counts, n)
	assert.Equal(t, limit, slices.Max(counts))
}

// Many commands run although almost nothing may be read ahead or kept unprinted.
func TestBounds(t *testing.T) {
	for _, keepOrder := range []bool{true, false} {
		var stdout, stderr bytes.Buffer
		s := newScheduler(options{command: []string{"echo"}, jobs: 4, keepOrder: keepOrder},
			strings.NewReader(lines(100)), &stdout, &stderr, nil)
		assert.Zero(t, s.run(nil))
		assert.Zero(t, s.held)
		assert.Zero(t, s.ahead)
		assert.Empty(t, stderr.String())
		got := strings.SplitAfter(stdout.String(), "\n")
		if keepOrder {
			assert.Equal(t, lines(100), stdout.String())
		}
		assert.ElementsMatch(t, strings.SplitAfter(lines(100), "\n"), got)
	}

	s := &scheduler{options: options{command: []string{"echo"}, jobs: 1, maxHeld: 10, maxAhead: 10},
		lines: []string{"x"}, input: &input{lines: make(chan string)}, starter: make(chan *job)}
	assert.NotNil(t, s.moreLines())
	assert.NotNil(t, s.prepare())
	s.held, s.ahead = 11, 11
	assert.Nil(t, s.moreLines())
	assert.Nil(t, s.prepare())
}

// The program fails, and reports it once, if the reader of its output has closed the pipe.
func TestBrokenOutput(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, r.Close())
	c := program(t, "-j", "1", "echo")
	var stderr bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(lines(1000)), w, &stderr
	require.NoError(t, c.Start())
	err, _ = proctest.Receive(t, c.WaitChan(t.Context()))
	require.Error(t, err)
	assert.Equal(t, exitFailed, c.ProcessState.ExitCode(), err)
	assert.Equal(t, 1, strings.Count(stderr.String(), "broken pipe"), stderr.String())
}
