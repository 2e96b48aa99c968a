//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	}, "the interrupt is not received")
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
