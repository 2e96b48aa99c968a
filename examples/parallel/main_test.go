//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// asMain is the environment variable that makes the test binary run main.
const asMain = "PARALLEL_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	goleak.VerifyTestMain(proctest.Checked(m))
}

// program returns the program as a command.
func program(t *testing.T, args ...string) *execx.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := execx.Command(self, args...)
	c.Env = append(os.Environ(), asMain+"=1")
	t.Cleanup(func() {
		if c.Kill() == nil {
			c.Wait()
		}
	})
	return c
}

// A call is a call of run in another goroutine.
type call struct {
	interrupts     chan os.Signal
	stdout, stderr proctest.Output
	code           chan int
}

func begin(stdin io.Reader, args ...string) *call {
	c := &call{interrupts: make(chan os.Signal), code: make(chan int, 1)}
	go func() { c.code <- run(c.interrupts, args, stdin, &c.stdout, &c.stderr) }()
	return c
}

func (c *call) interrupt(t *testing.T) {
	t.Helper()
	proctest.Until(t, func() bool {
		select {
		case c.interrupts <- os.Interrupt:
			return true
		default:
			return false
		}
	}, "nobody takes the interrupt")
}

func (c *call) wait(t *testing.T) int {
	t.Helper()
	code, _ := proctest.Receive(t, c.code)
	return code
}

// parallel calls run and returns its exit status and output.
func parallel(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := begin(strings.NewReader(stdin), args...)
	code = c.wait(t)
	return code, c.stdout.String(), c.stderr.String()
}

// script returns the arguments to run a shell script in directory dir. In the script, $1 is the
// line.
func script(dir, text string) []string {
	return []string{"--", "sh", "-c", `cd "$0"; ` + text, dir, "{}"}
}

// A gate is a FIFO that blocks scripts: each line that open writes lets one script continue.
type gate struct{ *os.File }

func newGate(t *testing.T, dir string) gate {
	t.Helper()
	return newNamedGate(t, filepath.Join(dir, "gate"))
}

func newNamedGate(t *testing.T, path string) gate {
	t.Helper()
	proctest.Mkfifo(t, path)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return gate{f}
}

func (g gate) open(t *testing.T, n int) {
	t.Helper()
	_, err := g.WriteString(strings.Repeat("\n", n))
	require.NoError(t, err)
}

// awaitFiles waits until dir has n files.
func awaitFiles(t *testing.T, dir, pattern string, n int) {
	t.Helper()
	proctest.Until(t, func() bool {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		return len(files) == n
	}, "there are not %d files %s", n, pattern)
}

// lines returns the lines from 1 to n.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

func TestArguments(t *testing.T) {
	for name, test := range map[string]struct{ command, stdin, want string }{
		"placeholder":                {"printf <%s> a {} b", "x\n", "<a><x><b>"},
		"several":                    {"printf <%s> {}{} -{}-", "x\n", "<xx><-x->"},
		"none":                       {"printf <%s> a", "x\n", "<a><x>"},
		"the program":                {"{} a", "echo\n", "a\n"},
		"a line of {}":               {"printf <%s> {}", "{}\n", "<{}>"},
		"blanks":                     {"printf <%s>", " a  b\t\n", "< a  b\t>"},
		"quotes and such":            {"printf <%s>", `'"\$(*)` + "\n", `<'"\$(*)>`},
		"carriage return":            {"printf <%s>", "x\r\n", "<x\r>"},
		"no newline at the end":      {"printf <%s>", "x", "<x>"},
		"empty lines":                {"printf <%s>", "\n\nx\n\n", "<x>"},
		"no lines":                   {"printf <%s>", "", ""},
		"only empty lines":           {"printf <%s>", "\n\n", ""},
		"long":                       {"printf <%s>", strings.Repeat("x", 100<<10), "<" + strings.Repeat("x", 100<<10) + ">"},
		"standard input is not ours": {"cat - ", "/dev/null\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := parallel(t, test.stdin, strings.Fields(test.command)...)
			assert.Zero(t, code)
			assert.Equal(t, test.want, stdout)
			assert.Empty(t, stderr)
		})
	}
}

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

// The reader of the program's output has closed the pipe.
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
