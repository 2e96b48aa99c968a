package conformance

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// Each difference that MIGRATING.md describes is as described.
func TestMigrating(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "MIGRATING.md"))
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(guide), "| what | os/exec | execx |\n| --- | --- | --- |\n")
	require.True(t, ok, "MIGRATING.md has no table")
	tests := map[string]func(t *testing.T){
		"a second `Wait`": secondWait,
		"`StdoutPipe` and `StderrPipe` once the command was waited for":          pipesAfterWait,
		"`stdout.(*os.File)` of such a pipe":                                     pipesAsFiles,
		"such a pipe as `Stdin` of an `exec.Cmd`, or of `&c2.Cmd`":               pipesAsStdin,
		"a process that has ended by itself when its context is done":            endedBeforeContext,
		"a `Cmd` and its `Process` that are both unreachable, only the PID kept": onlyPID,
		"a reaper in the program, with `wait4(-1)`":                              ownReaper,
		"`c.Process = p` after `Start`":                                          replacedProcess,
		"`d := *c`":                                                              copyBeforeStart,
		"the `go` line of your `go.mod`":                                         goLine,
	}
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") {
			break
		}
		what, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		test := tests[what]
		delete(tests, what)
		if assert.NotNil(t, test, "no test of %s", what) {
			t.Run(what, test)
		}
	}
	assert.Empty(t, tests, "rows that are gone")
}

func secondWait(t *testing.T) {
	c, x := exec.Command("true"), execx.Command("true")
	require.NoError(t, c.Run())
	require.NoError(t, x.Run())
	assert.EqualError(t, c.Wait(), "exec: Wait was already called")
	assert.NoError(t, x.Wait())
}

func pipesAfterWait(t *testing.T) {
	c, x := exec.Command("echo", "a"), execx.Command("echo", "a")
	r, err := c.StdoutPipe()
	require.NoError(t, err)
	xr, err := x.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Run())
	require.NoError(t, x.Run())
	_, err = io.ReadAll(r)
	assert.ErrorIs(t, err, os.ErrClosed)
	out, err := io.ReadAll(xr)
	assert.NoError(t, err)
	assert.Equal(t, "a\n", string(out))
}

func pipesAsFiles(t *testing.T) {
	c, x := exec.Command("true"), execx.Command("true")
	r, err := c.StdoutPipe()
	require.NoError(t, err)
	xr, err := x.StdoutPipe()
	require.NoError(t, err)
	assert.IsType(t, (*os.File)(nil), r)
	_, isFile := xr.(*os.File)
	assert.False(t, isFile)
	assert.Implements(t, (*interface{ SetReadDeadline(time.Time) error })(nil), xr)
	require.NoError(t, c.Run())
	require.NoError(t, x.Run())
	assert.NoError(t, xr.Close())
}

// pipesAsStdin makes a process print which pipe its standard input is.
func pipesAsStdin(t *testing.T) {
	target := func(r io.Reader) string {
		conn, err := r.(syscall.Conn).SyscallConn()
		require.NoError(t, err)
		var link string
		require.NoError(t, conn.Control(func(fd uintptr) {
			link, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd)))
		}))
		require.NoError(t, err)
		return link
	}
	for _, tt := range []struct {
		name string
		of   func() (io.ReadCloser, func() error)
		to   func(stdin io.Reader) (string, error)
		same bool
	}{
		{"os/exec to os/exec", osPipe, osOutput, true},
		{"execx to os/exec", execxPipe, osOutput, false},
		{"execx to execx", execxPipe, execxOutput, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, run := tt.of()
			want := target(r)
			got, err := tt.to(r)
			require.NoError(t, err)
			assert.Equal(t, tt.same, strings.TrimSpace(got) == want, "it is %s, and the pipe %s", got, want)
			assert.NoError(t, run())
			assert.NoError(t, ignoreClosed(r.Close()))
		})
	}
}

func osPipe() (io.ReadCloser, func() error) {
	c := exec.Command("true")
	r, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		panic(err)
	}
	return r, c.Wait
}

func execxPipe() (io.ReadCloser, func() error) {
	c := execx.Command("true")
	r, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		panic(err)
	}
	return r, c.Wait
}

func osOutput(stdin io.Reader) (string, error) {
	c := exec.Command("readlink", "/proc/self/fd/0")
	c.Stdin = stdin
	out, err := c.Output()
	return string(out), err
}

func execxOutput(stdin io.Reader) (string, error) {
	c := execx.Command("readlink", "/proc/self/fd/0")
	c.Stdin = stdin
	out, err := c.Output()
	return string(out), err
}

func ignoreClosed(err error) error {
	if err == nil || strings.Contains(err.Error(), os.ErrClosed.Error()) {
		return nil
	}
	return err
}

func endedBeforeContext(t *testing.T) {
	called := make(chan struct{}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	c, x := exec.CommandContext(ctx, "true"), execx.CommandContext(ctx, "true")
	c.Cancel = func() error { called <- struct{}{}; return os.ErrProcessDone }
	xCalled := false
	x.Cancel = func() error { xCalled = true; return os.ErrProcessDone }
	require.NoError(t, c.Start())
	require.NoError(t, x.Start())
	proctest.Zombie(t, c.Process.Pid)
	proctest.Zombie(t, x.Process.Pid)
	cancel()
	proctest.Receive(t, called)
	_ = c.Wait()
	assert.NoError(t, x.Wait())
	assert.False(t, xCalled)
}

func onlyPID(t *testing.T) {
	start := func(xs bool) int {
		if xs {
			x := execx.Command("true")
			require.NoError(t, x.Start())
			return x.Process.Pid
		}
		c := exec.Command("true")
		require.NoError(t, c.Start())
		return c.Process.Pid
	}
	pid, xPid := start(false), start(true)
	proctest.Zombie(t, pid)
	proctest.Collect(t, func() bool { return proctest.State(xPid) == 0 }, "not reaped")
	assert.Equal(t, byte('Z'), proctest.State(pid))
	_, err := syscall.Wait4(pid, nil, 0, nil)
	assert.NoError(t, err)
}

func ownReaper(t *testing.T) {
	c, x := exec.Command("true"), execx.Command("true")
	require.NoError(t, c.Start())
	require.NoError(t, x.Start())
	for _, pid := range []int{c.Process.Pid, x.Process.Pid} { // as wait4(-1) would do
		_, err := syscall.Wait4(pid, nil, 0, nil)
		require.NoError(t, err)
	}
	var failure *os.SyscallError
	assert.ErrorAs(t, c.Wait(), &failure)
	if err := x.Wait(); err != nil { // before Linux 6.15
		assert.ErrorIs(t, err, syscall.ECHILD)
	} else {
		assert.True(t, x.ProcessState.Success())
	}
}

func replacedProcess(t *testing.T) {
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	other := func() *os.Process {
		p, err := os.StartProcess(shell, []string{"sh", "-c", "exit 3"}, &os.ProcAttr{})
		require.NoError(t, err)
		return p
	}
	c, x := exec.Command("true"), execx.Command("true")
	require.NoError(t, c.Start())
	require.NoError(t, x.Start())
	first, xFirst := c.Process, x.Process
	c.Process, x.Process = other(), other()
	assert.EqualError(t, c.Wait(), "exit status 3")
	assert.EqualError(t, x.Wait(), "exit status 3")
	for _, p := range []*os.Process{first, xFirst} {
		_, err := p.Wait()
		assert.NoError(t, err)
	}
}

func copyBeforeStart(t *testing.T) {
	c := exec.Command("true")
	d := *c
	assert.NoError(t, d.Run())
	x := execx.Command("true")
	y := execx.Cmd{Cmd: x.Cmd} // like d := *c, without a complaint of go vet: see TestVetFindsCopies
	assert.NoError(t, y.Run())
}

func goLine(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(mod), "\ngo 1.26")
}
