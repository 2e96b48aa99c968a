//go:build unix

package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
)

func TestFailures(t *testing.T) {
	code, stdout, stderr := parallel(t, "0\n3\n0\n", "-k", "sh", "-c", "echo $0; exit $0")
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, "0\n3\n0\n", stdout)
	assert.Equal(t, "parallel: sh -c 'echo $0; exit $0' 3: exit status 3\n", stderr)

	t.Run("output without a newline", func(t *testing.T) {
		code, _, stderr := parallel(t, "x\n", "sh", "-c", "printf oops >&2; exit 4")
		assert.Equal(t, exitFailed, code)
		assert.Equal(t, "oops\nparallel: sh -c 'printf oops >&2; exit 4' x: exit status 4\n", stderr)
	})
	t.Run("signal", func(t *testing.T) {
		code, _, stderr := parallel(t, "TERM\n", "sh", "-c", "kill -s $0 $$")
		assert.Equal(t, exitFailed, code)
		assert.Equal(t, "parallel: sh -c 'kill -s $0 $$' TERM: signal: terminated\n", stderr)
	})
	t.Run("no such program", func(t *testing.T) {
		code, stdout, stderr := parallel(t, "./no/such\n/bin/echo\n", "{}", "hello")
		assert.Equal(t, exitFailed, code)
		assert.Equal(t, "hello\n", stdout)
		assert.Contains(t, stderr, "parallel: ./no/such hello: ")
	})
	t.Run("what would be for a shell", func(t *testing.T) {
		_, _, stderr := parallel(t, "x\n", "echo {}; true")
		assert.Contains(t, stderr, "not found in $PATH (no shell is involved; for one: sh -c '...' sh {})\n")
	})
	t.Run("line too long for an argument", func(t *testing.T) {
		code, stdout, stderr := parallel(t, strings.Repeat("x", 4<<20)+"\ny\n", "echo")
		assert.Equal(t, exitFailed, code)
		assert.Equal(t, "y\n", stdout)
		assert.Contains(t, stderr, "parallel: echo xxx")
		assert.Contains(t, stderr, "xxx...xxx")
		assert.Less(t, len(stderr), 1000)
	})
	t.Run("line that can't be an argument", func(t *testing.T) {
		code, stdout, stderr := parallel(t, "a\x00b\ny\n", "echo")
		assert.Equal(t, exitFailed, code)
		assert.Equal(t, "y\n", stdout)
		assert.Contains(t, stderr, "invalid argument")
	})
	t.Run("input", func(t *testing.T) {
		c := begin(io.MultiReader(strings.NewReader("x\npart of a line"), iotest.ErrReader(errors.New("no way"))), "echo")
		assert.Equal(t, exitFailed, c.wait(t))
		assert.Equal(t, "x\n", c.stdout.String())
		assert.Equal(t, "parallel: reading the input: no way\n", c.stderr.String())
	})
}

func TestTimeout(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"exec sleep 1000", "timed out after 100ms: signal: terminated"},
		{"sleep 1000 & wait", "timed out after 100ms: signal: terminated"},
		{`trap "" TERM; exec sleep 1000`, "timed out after 100ms: signal: killed"},
		{`trap "exit 4" TERM; while :; do sleep 0.01; done`, "timed out after 100ms: exit status 4"},
		{`trap "exit 0" TERM; while :; do sleep 0.01; done`, "timed out after 100ms"},
	} {
		code, _, stderr := parallel(t, "", "--timeout", "0.1", "sh", "-c", test.script, ":::", "x")
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, stderr, "parallel: sh -c "+quote(test.script)+" x: "+test.want+"\n")
	}
	code, stdout, stderr := parallel(t, "x\n", "--timeout", "1h", "echo")
	assert.Zero(t, code)
	assert.Equal(t, "x\n", stdout)
	assert.Empty(t, stderr)
}

// Messages contain no control characters, which could affect the terminal.
func TestControlCharacters(t *testing.T) {
	code, _, stderr := parallel(t, "a\x1b[31mb\n", "false")
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, `parallel: false $'a\x1b[31mb': exit status 1`+"\n", stderr)

	_, _, stderr = parallel(t, "./\x1b[31m\n", "{}")
	assert.Equal(t, `parallel: $'./\x1b[31m': fork/exec ./\x1b[31m: no such file or directory`+"\n", stderr)
}
