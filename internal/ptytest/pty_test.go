//go:build linux

package ptytest

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

// startBy holds the ways to start a command on a terminal.
var startBy = []struct {
	name  string
	start func(c *execx.Cmd) (*os.File, error)
}{
	{"pty.Start", func(c *execx.Cmd) (*os.File, error) { return pty.Start(&c.Cmd) }},
	{"Start", func(c *execx.Cmd) (*os.File, error) {
		ours, theirs, err := pty.Open()
		if err != nil {
			return nil, err
		}
		defer theirs.Close()
		c.Stdin, c.Stdout, c.Stderr = theirs, theirs, theirs
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		return ours, c.Start()
	}},
}

// forEach runs f for each way to start a command, with and without ProcessGroup. The command prints
// the PID of a background process, which ignores SIGHUP, and then reads a line.
func forEach(t *testing.T, f func(t *testing.T, c *execx.Cmd, terminal *os.File, background int)) {
	for _, by := range startBy {
		for _, group := range []bool{false, true} {
			t.Run(by.name+", ProcessGroup="+strconv.FormatBool(group), func(t *testing.T) {
				proctest.NoLeaks(t)
				c := execx.Command("sh", "-c", "trap '' HUP; sleep 1000 & trap - HUP; echo $!; read line; kill $!; exit 3")
				c.ProcessGroup = group
				terminal, err := by.start(c)
				require.NoError(t, err)
				defer terminal.Close()
				line, err := bufio.NewReader(terminal).ReadString('\n')
				require.NoError(t, err)
				background, err := strconv.Atoi(strings.TrimSpace(line))
				require.NoError(t, err)
				defer func() {
					if !ended(background) {
						syscall.Kill(background, syscall.SIGKILL)
					}
				}()
				f(t, c, terminal, background)
			})
		}
	}
}

func ended(pid int) bool {
	state := proctest.State(pid)
	return state == 0 || state == 'Z'
}

// assertGroup asserts that the background process ends with the leader if, and only if, the command
// has a ProcessGroup.
func assertGroup(t *testing.T, c *execx.Cmd, background int) {
	t.Helper()
	if c.ProcessGroup {
		proctest.Until(t, func() bool { return ended(background) }, "lives")
	} else {
		assert.False(t, ended(background))
	}
}

func TestWait(t *testing.T) {
	forEach(t, func(t *testing.T, c *execx.Cmd, terminal *os.File, _ int) {
		result := c.WaitChan(t.Context())
		_, err := terminal.WriteString("go\n")
		require.NoError(t, err)
		err, _ = proctest.Receive(t, result)
		assert.EqualError(t, err, "exit status 3")
		assert.Equal(t, err, c.Wait())
		require.NoError(t, c.Close())
	})
}

func TestKill(t *testing.T) {
	forEach(t, func(t *testing.T, c *execx.Cmd, _ *os.File, background int) {
		require.NoError(t, c.Kill())
		assert.EqualError(t, c.Wait(), "signal: killed")
		assertGroup(t, c, background)
		require.NoError(t, c.Close())
	})
}

func TestClose(t *testing.T) {
	forEach(t, func(t *testing.T, c *execx.Cmd, _ *os.File, background int) {
		c.KillOnClose = true
		require.NoError(t, c.Close())
		assert.Equal(t, execx.ErrClosed, c.Wait())
		cmdtest.DrainOrphans(t)
		assertGroup(t, c, background)
	})
}

func TestDropped(t *testing.T) {
	forEach(t, func(t *testing.T, c *execx.Cmd, _ *os.File, background int) {
		_, err := c.TryWait() // from now on, execx knows the process
		require.NoError(t, err)
		require.NoError(t, c.Kill())
		pid := c.Process.Pid
		proctest.Collect(t, func() bool { return proctest.State(pid) == 0 }, "not reaped")
		cmdtest.DrainOrphans(t)
	})
}

// With Foreground, the new group is the foreground group of the terminal.
func TestForeground(t *testing.T) {
	if !proctest.Rerunning() {
		again := proctest.Rerun(t)
		terminal, err := pty.Start(again)
		require.NoError(t, err)
		defer terminal.Close()
		var out strings.Builder
		for lines := bufio.NewScanner(terminal); lines.Scan(); {
			out.WriteString(lines.Text() + "\n")
		}
		require.NoError(t, again.Wait(), out.String())
		return
	}
	c := execx.Command("sh", "-c", "read line; exit 3")
	c.ProcessGroup = true
	c.Stdin = os.Stdin
	c.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: int(os.Stdin.Fd())}
	require.NoError(t, c.Start())
	defer c.Close()
	pgid, err := syscall.Getpgid(c.Process.Pid)
	require.NoError(t, err)
	assert.Equal(t, c.Process.Pid, pgid)
	foreground, err := unix.IoctlGetInt(int(os.Stdin.Fd()), unix.TIOCGPGRP)
	require.NoError(t, err)
	assert.Equal(t, pgid, foreground)
	require.NoError(t, c.Kill())
	assert.EqualError(t, c.Wait(), "signal: killed")
}
