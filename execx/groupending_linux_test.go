package execx_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/proctest"
)

// If the leader has exited, the context ends the other processes of the group that hold its output.
func TestContextEndsGroupWithoutLeader(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(c *execx.Cmd)
	}{
		{"default", func(c *execx.Cmd) {}},
		{"grace", func(c *execx.Cmd) { c.GracePeriod = 10 * time.Millisecond }},
		{"own", func(c *execx.Cmd) { c.Cancel = func() error { return c.Signal(os.Kill) } }},
	} {
		for _, status := range []int{0, 5} {
			t.Run(fmt.Sprintf("%s, status %d", tt.name, status), func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup = true
				tt.prepare(c)
				pids := lines(t, c, (*execx.Cmd).Start, 1, fmt.Sprintf("sh -c \"trap '' TERM; echo \\$\\$; exec sleep 1000\" & read line; exit %d", status))
				result := make(chan error, 1)
				go func() { result <- c.Wait() }()
				proctest.Until(t, func() bool { return proctest.Ended(c.Process.Pid) }, "has not ended")
				assert.False(t, proctest.Ended(pids[0]))
				cancel()
				err, _ := proctest.Receive(t, result)
				if status == 0 {
					assert.Equal(t, context.Canceled, err, "the output was cut")
				} else {
					assert.EqualError(t, err, "exit status 5")
				}
				untilEnded(t, pids...)
				require.NoError(t, c.Close())
			})
		}
	}
}

// A leader that has joined another group is ended, and so is the rest of its group.
func TestLeaderLeavesGroup(t *testing.T) {
	if proctest.Rerunning() {
		leaveGroup(t)
	}
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, c *execx.Cmd, cancel func())
	}{
		{"Kill", func(t *testing.T, c *execx.Cmd, _ func()) { assert.NoError(t, c.Kill()) }},
		{"Shutdown", func(t *testing.T, c *execx.Cmd, _ func()) {
			ctx, cancel := within(10 * time.Millisecond)
			defer cancel()
			c.Shutdown(ctx)
		}},
		{"context", func(_ *testing.T, _ *execx.Cmd, cancel func()) { cancel() }},
	} {
		for _, grace := range []time.Duration{0, 10 * time.Millisecond} {
			t.Run(fmt.Sprint(tt.name, " ", grace), func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				again := proctest.Rerun(t)
				c := execx.CommandContext(ctx, again.Path, "-test.run=^TestLeaderLeavesGroup$")
				c.Env = again.Env
				c.ProcessGroup, c.GracePeriod = true, grace
				out := make(chunks, 8)
				c.Stdout = out
				require.NoError(t, c.Start())
				text, _ := proctest.Receive(t, out)
				var member int
				_, err := fmt.Sscan(text, &member)
				require.NoError(t, err)
				t.Cleanup(func() { killPID(member) })
				group, err := unix.Getpgid(c.Process.Pid)
				require.NoError(t, err)
				require.Equal(t, unix.Getpgrp(), group)
				tt.end(t, c, cancel)
				assert.Error(t, c.Wait())
				untilEnded(t, member)
				assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
				require.NoError(t, c.Close())
			})
		}
	}
}

// leaveGroup starts another process in the group that this process leads, joins the group of its
// parent, and keeps running.
func leaveGroup(t *testing.T) {
	member := exec.Command("sleep", "1000")
	require.NoError(t, member.Start())
	group, err := unix.Getpgid(os.Getppid())
	require.NoError(t, err)
	require.NoError(t, unix.Setpgid(0, group))
	fmt.Println(member.Process.Pid)
	time.Sleep(time.Hour) // until killed
}

// A group that consists only of a zombie leader is empty.
func TestGroupOfEndedLeader(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("true")
	c.ProcessGroup = true
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	assert.Equal(t, os.ErrProcessDone, c.Kill())
	assert.Equal(t, os.ErrProcessDone, c.Signal(syscall.SIGTERM))
	assert.NoError(t, c.Shutdown(t.Context()))
	require.NoError(t, c.Close())
}

// A process is alive as long as any of its threads is, and Shutdown waits for it.
func TestGroupMemberWithoutFirstThread(t *testing.T) {
	proctest.NoLeaks(t)
	c, p, end := groupOfTwo(t, nil)
	require.NoError(t, c.Signal(syscall.Signal(0)), "the other one lives")
	ended := make(chan error, 1)
	go func() {
		ended <- c.Shutdown(t.Context())
		c.Close() // kills the remaining processes
	}()

	// Another group, of which only zombies are left, has ended.
	other, zombie, kill := groupOfTwo(t, (*os.Process).Kill)
	kill()
	proctest.Until(t, func() bool {
		stat, _ := procfs.Read(zombie.Pid)
		return !stat.Alive()
	}, "does not end")
	assert.EqualError(t, other.Shutdown(t.Context()), "signal: killed")
	require.NoError(t, other.Close())

	end()
	state, err := p.Wait()
	require.NoError(t, err)
	assert.Equal(t, 7, state.ExitCode(), "it was left to end by itself")
	err, _ = proctest.Receive(t, ended)
	assert.EqualError(t, err, "signal: killed")
}

// groupOfTwo returns a command with KillOnClose whose process has ended, and another process of its
// group whose first thread has ended. end ends that process, with kill if kill is not nil.
func groupOfTwo(t *testing.T, kill func(p *os.Process) error) (c *execx.Cmd, p *os.Process, end func()) {
	t.Helper()
	c = execx.Command("sh")
	c.ProcessGroup, c.KillOnClose = true, true
	pids := lines(t, c, (*execx.Cmd).Start, 1, "echo $$; exec sleep 1000")
	p, end = proctest.Leaderless(t, func(member *exec.Cmd) {
		member.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: pids[0]}
	})
	require.NoError(t, c.Process.Kill())
	proctest.Zombie(t, c.Process.Pid)
	if kill != nil {
		end = func() { kill(p) }
	}
	return c, p, end
}
