package execx_test

import (
	"bytes"
	"context"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// Many goroutines at once may be the first to call a method of a command that os/exec has run.
func TestForeignUsedByMany(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	c.Stdout = new(bytes.Buffer)
	require.NoError(t, c.Cmd.Run())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			assert.NoError(t, c.Wait())
			done, err := c.TryWait()
			assert.True(t, done)
			assert.NoError(t, err)
		})
	}
	all.Wait()
}

// The descriptor of the group is released with a Cmd that is dropped after Wait.
func TestForeignGroupIsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	for range 10 {
		c := execx.Command("true")
		c.ProcessGroup = true
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		c.Stdout = new(bytes.Buffer)
		require.NoError(t, c.Cmd.Start())
		require.NoError(t, c.Wait())
	}
	runtime.GC()
}

// literals holds functions that make commands without using this package.
var literals = []struct {
	name string
	make func(t *testing.T, script string) *execx.Cmd
}{
	{"WaitDelay", literalWithDelay},
	{"context", func(t *testing.T, script string) *execx.Cmd {
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		return &execx.Cmd{Cmd: *exec.CommandContext(ctx, "sh", "-c", script)}
	}},
}

func literalWithDelay(t *testing.T, script string) *execx.Cmd {
	return &execx.Cmd{Cmd: exec.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", script}, WaitDelay: time.Minute}}
}

func TestLiteralOutput(t *testing.T) {
	for _, literal := range literals {
		t.Run(literal.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			_, err := literal.make(t, "echo oops >&2; exit 3").Output()
			var exitErr *execx.ExitError
			require.ErrorAs(t, err, &exitErr)
			assert.Equal(t, "oops\n", string(exitErr.Stderr))
		})
	}
}

// Signals also reach the processes that they have started.
func TestLiteralGroup(t *testing.T) {
	for _, literal := range literals {
		t.Run(literal.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			before := execx.ReadStats().Started
			c := literal.make(t, "")
			c.Path, c.Args, c.ProcessGroup = "/bin/sh", []string{"sh"}, true
			pids := startFamily(t, c, "wait")
			assert.EqualValues(t, 1, execx.ReadStats().Started-before)
			require.NoError(t, c.Kill())
			assert.EqualError(t, c.Wait(), "signal: killed")
			untilEnded(t, pids...)
			require.NoError(t, c.Close())
		})
	}
}

// ReapAdopted does not reap live commands.
func TestLiteralIsLive(t *testing.T) {
	for _, literal := range literals {
		t.Run(literal.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := literal.make(t, "exit 3")
			require.NoError(t, c.Start())
			proctest.Zombie(t, c.Process.Pid)
			assert.True(t, slices.ContainsFunc(execx.Live(), func(i execx.CmdInfo) bool { return i.Pid == c.Process.Pid }))
			assert.EqualError(t, c.Wait(), "exit status 3")
		})
	}
}

func TestLiteralDropped(t *testing.T) {
	proctest.NoLeaks(t)
	c := literalWithDelay(t, "exec sleep 1000")
	c.KillOnClose = true
	require.NoError(t, c.Start())
	c = nil
	proctest.Collect(t, proctest.NoChildren, "not reaped")
}

func TestLiteralPdeathsig(t *testing.T) {
	proctest.NoLeaks(t)
	for _, literal := range literals {
		c := literal.make(t, "exit 3")
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		assert.EqualError(t, c.Run(), "exit status 3")
	}
}
