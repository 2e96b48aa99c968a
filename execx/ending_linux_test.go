package execx_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
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

// starts are the ways in which a command is started: by this package and by os/exec.
var starts = map[string]func(c *execx.Cmd) error{
	"Start":          (*execx.Cmd).Start,
	"exec.Cmd.Start": func(c *execx.Cmd) error { return c.Cmd.Start() },
}

// within returns a context that is done after d.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// lines starts c, a shell that runs the script, and returns the numbers that it prints first, one
// a line, of which there are n. The end of the test kills these.
func lines(t *testing.T, c *execx.Cmd, start func(c *execx.Cmd) error, n int, script string) (pids []int) {
	t.Helper()
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", script}
	out := make(chunks, 100)
	c.Stdout = out
	require.NoError(t, start(c))
	t.Cleanup(func() {
		c.Kill()
		c.Close()
	})
	var text strings.Builder
	for strings.Count(text.String(), "\n") < n {
		chunk, _ := proctest.Receive(t, out)
		text.WriteString(chunk)
	}
	for line := range strings.Lines(text.String()) {
		var pid int
		_, err := fmt.Sscan(line, &pid)
		require.NoError(t, err)
		pids = append(pids, pid)
		t.Cleanup(func() { killNumber(pid) })
	}
	return pids[:n]
}

// killNumber kills the process of that number, which a test has started.
func killNumber(pid int) {
	if !proctest.Ended(pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// A Cancel can call any method of its command.
func TestCancelCalls(t *testing.T) {
	shutdown := func(c *execx.Cmd, grace time.Duration) error {
		ctx, cancel := within(grace)
		defer cancel()
		return c.Shutdown(ctx)
	}
	for name, test := range map[string]struct {
		cancel func(c *execx.Cmd) error
		script string
		want   string
	}{
		"Shutdown": {func(c *execx.Cmd) error {
			return shutdown(c, proctest.Deadline)
		}, obedient, "exit status 5"},
		"Shutdown of stubborn": {func(c *execx.Cmd) error {
			return shutdown(c, time.Millisecond)
		}, stubborn, "signal: killed"},
		"Shutdown elsewhere": {func(c *execx.Cmd) error {
			result := make(chan error)
			go func() { result <- shutdown(c, time.Second) }()
			return <-result
		}, obedient, "exit status 5"},
		"Wait": {func(c *execx.Cmd) error {
			c.Signal(syscall.SIGTERM)
			return c.Wait()
		}, obedient, "exit status 5"},
		"WaitContext": {func(c *execx.Cmd) error {
			c.Signal(syscall.SIGTERM)
			ctx, cancel := within(proctest.Deadline)
			defer cancel()
			if c.WaitContext(ctx) == context.DeadlineExceeded {
				return c.Kill()
			}
			return nil
		}, obedient, "exit status 5"},
		"WaitChan": {func(c *execx.Cmd) error {
			c.Kill()
			return <-c.WaitChan(context.Background())
		}, obedient, "signal: killed"},
		"TryWait": {func(c *execx.Cmd) error {
			c.Kill()
			for {
				if done, err := c.TryWait(); done {
					return err
				}
				time.Sleep(time.Millisecond)
			}
		}, obedient, "signal: killed"},
		"Wait after success": {func(c *execx.Cmd) error {
			c.Signal(syscall.SIGTERM)
			return c.Wait()
		}, "trap 'exit 0' TERM; " + loop, "context canceled"},
		"Close": {func(c *execx.Cmd) error {
			c.KillOnClose = true
			c.Close()
			return c.Wait()
		}, obedient, execx.ErrClosed.Error()},
	} {
		for _, group := range []bool{false, true} {
			for _, delay := range []time.Duration{0, time.Second} {
				for startName, start := range starts {
					if startName != "Start" && (name == "Close" || name == "Shutdown elsewhere" && delay > 0) {
						continue // it is os/exec that waits for Cancel and for its copying
					}
					t.Run(fmt.Sprintf("%s, group=%t, delay=%v, %s", name, group, delay, startName), func(t *testing.T) {
						proctest.NoLeaks(t)
						ctx, cancel := context.WithCancel(context.Background())
						defer cancel()
						c := execx.CommandContext(ctx, "sh")
						c.ProcessGroup, c.WaitDelay = group, delay
						c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
						c.Cancel = func() error { return test.cancel(c) }
						ready := make(chunks, 8)
						c.Path, c.Args, c.Stdout = "/bin/sh", []string{"sh", "-c", test.script}, ready
						require.NoError(t, start(c))
						proctest.Receive(t, ready)
						result := make(chan error, 1)
						go func() { result <- c.Wait() }()
						cancel()
						err, _ := proctest.Receive(t, result)
						assert.EqualError(t, err, test.want)
						assert.Equal(t, err, c.Wait())
						assert.NoError(t, c.Close())
						drainOrphans(t)
					})
				}
			}
		}
	}
}

// daemon starts a process that leaves the group, and then tells its number.
const daemon = "setsid sh -c 'echo $$; exec sleep 1000' & "

// Shutdown is bounded whoever has the output.
func TestShutdownDoesNotWaitForOutput(t *testing.T) {
	for name, script := range map[string]string{
		"obedient": "trap 'exit 5' TERM; " + daemon + "while :; do sleep 0.01; done",
		"stubborn": "trap '' TERM; " + daemon + "while :; do sleep 0.01; done",
		"ended":    daemon + "exit 5",
		"success":  "trap 'exit 0' TERM; " + daemon + "while :; do sleep 0.01; done",
	} {
		for _, group := range []bool{false, true} {
			for startName, start := range starts {
				t.Run(fmt.Sprintf("%s, group=%t, %s", name, group, startName), func(t *testing.T) {
					t.Parallel()
					c := execx.Command("sh")
					c.ProcessGroup = group
					c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
					pids := lines(t, c, start, 1, script)
					if name == "ended" {
						proctest.Until(t, func() bool { return proctest.Ended(c.Process.Pid) }, "has not ended")
					}
					result := make(chan error, 1)
					go func() {
						ctx, cancel := within(500 * time.Millisecond)
						defer cancel()
						result <- c.Shutdown(ctx)
					}()
					err, _ := proctest.Receive(t, result)
					assert.False(t, proctest.Ended(pids[0]), "it holds the output")
					if startName != "Start" { // os/exec has the status, and waits for the output
						assert.Equal(t, execx.ErrWaitDelay, err)
						killNumber(pids[0])
						assert.NotEqual(t, err, c.Wait())
						return
					}
					want := map[string]string{"stubborn": "signal: killed", "success": execx.ErrWaitDelay.Error()}[name]
					if want == "" {
						want = "exit status 5"
					}
					assert.EqualError(t, err, want)
					assert.Equal(t, err, c.Wait())
					assert.NotNil(t, c.ProcessState)
				})
			}
		}
	}
}

// A process that has become another user's can't be ended, which Shutdown says.
func TestShutdownIsNotPermitted(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	if os.Getuid() != 0 {
		t.Skip("must be root")
	}
	for _, group := range []bool{false, true} {
		for name, ctx := range map[string]context.Context{"context": t.Context(), "done": soon(t)} {
			t.Run(fmt.Sprintf("group=%t, %s", group, name), func(t *testing.T) {
				c := execx.Command("cat")
				c.ProcessGroup = group
				stdin, err := c.StdinPipe()
				require.NoError(t, err)
				require.NoError(t, c.Start())
				require.NoError(t, syscall.Setresuid(65534, 65534, 0))
				err = c.Shutdown(ctx)
				require.NoError(t, syscall.Setresuid(0, 0, 0))
				assert.ErrorIs(t, err, syscall.EPERM)
				stdin.Close()
				assert.NoError(t, c.Wait())
				require.NoError(t, c.Close())
			})
		}
	}
}

// A context that is done leaves the process the time to say goodbye.
func TestShutdownGivesAMoment(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 {
		c := execx.Command("cat") // which a SIGTERM ends
		c.Path, c.Args = "/bin/sh", []string{"sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done"}
		out := make(chunks, 8)
		c.Stdout = out
		require.NoError(t, c.Start())
		proctest.Receive(t, out)
		assert.EqualError(t, c.Shutdown(ctx), "exit status 5")
		bye, _ := proctest.Receive(t, out)
		assert.Equal(t, "bye\n", bye)
	}
}

// The context ends a group that has the output of a leader that has ended.
func TestContextEndsGroupWithoutLeader(t *testing.T) {
	for name, prepare := range map[string]func(c *execx.Cmd){
		"default": func(c *execx.Cmd) {},
		"grace":   func(c *execx.Cmd) { c.GracePeriod = 10 * time.Millisecond },
		"own":     func(c *execx.Cmd) { c.Cancel = func() error { return c.Signal(os.Kill) } },
	} {
		for _, status := range []int{0, 5} {
			t.Run(fmt.Sprintf("%s, status %d", name, status), func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup = true
				prepare(c)
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

// A leader that has joined another group is ended all the same, and so is the rest of its own.
func TestLeaderLeavesGroup(t *testing.T) {
	if proctest.Rerunning() {
		leaveGroup(t)
	}
	for name, end := range map[string]func(t *testing.T, c *execx.Cmd, cancel func()){
		"Kill": func(t *testing.T, c *execx.Cmd, _ func()) { assert.NoError(t, c.Kill()) },
		"Shutdown": func(t *testing.T, c *execx.Cmd, _ func()) {
			ctx, cancel := within(10 * time.Millisecond)
			defer cancel()
			c.Shutdown(ctx)
		},
		"context": func(_ *testing.T, _ *execx.Cmd, cancel func()) { cancel() },
	} {
		for _, grace := range []time.Duration{0, 10 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " ", grace), func(t *testing.T) {
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
				t.Cleanup(func() { killNumber(member) })
				group, err := unix.Getpgid(c.Process.Pid)
				require.NoError(t, err)
				require.Equal(t, unix.Getpgrp(), group)
				end(t, c, cancel)
				assert.Error(t, c.Wait())
				untilEnded(t, member)
				assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
				require.NoError(t, c.Close())
			})
		}
	}
}

// leaveGroup starts another member of the group that this process leads, joins that of its
// parent, and lives on.
func leaveGroup(t *testing.T) {
	member := exec.Command("sleep", "1000")
	require.NoError(t, member.Start())
	group, err := unix.Getpgid(os.Getppid())
	require.NoError(t, err)
	require.NoError(t, unix.Setpgid(0, group))
	fmt.Println(member.Process.Pid)
	select {}
}

// A group of which only its leader is left, which has ended, is empty.
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

// A process is alive for as long as one of its threads is, whichever, and Shutdown waits for it.
func TestGroupMemberWithoutFirstThread(t *testing.T) {
	proctest.NoLeaks(t)
	c, p, end := groupOfTwo(t, nil)
	require.NoError(t, c.Signal(syscall.Signal(0)), "the other one lives")
	ended := make(chan error, 1)
	go func() {
		ended <- c.Shutdown(t.Context())
		c.Close() // kills what is left
	}()

	// That of another group, of which only zombies are left, is over.
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

// groupOfTwo returns a command with KillOnClose whose process has ended, and the other process of
// its group, whose first thread has. end ends it, by kill if that is not nil.
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

// Many groups are ended at once, whose zombies are nobody's to reap.
func TestManyGroups(t *testing.T) {
	const n = 50
	proctest.NoLeaks(t)
	var all sync.WaitGroup
	for range n {
		c := execx.Command("sh")
		c.ProcessGroup = true
		lines(t, c, (*execx.Cmd).Start, 2, "echo $$; sh -c \"trap '' TERM; echo \\$\\$; exec sleep 1000\" & wait")
		all.Go(func() {
			ctx, cancel := within(time.Second)
			defer cancel()
			assert.EqualError(t, c.Shutdown(ctx), "signal: terminated")
		})
	}
	all.Wait()
}

// The Cancel of one command can wait for another, whose result is not the exit status alone.
func TestCancelWaitsForAnother(t *testing.T) {
	for startName, start := range starts {
		t.Run(startName, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			var out strings.Builder
			var inner error
			c := execx.CommandContext(ctx, "sleep", "1000")
			c.Cancel = func() error {
				other := execx.Command("sh", "-c", "(sleep 0.2; echo late) & exit 3")
				other.Stdout = &out
				if err := start(other); err != nil {
					return err
				}
				inner = other.Wait()
				return c.Kill()
			}
			require.NoError(t, start(c))
			cancel()
			assert.EqualError(t, c.Wait(), "signal: killed")
			assert.EqualError(t, inner, "exit status 3")
			assert.Equal(t, "late\n", out.String())
		})
	}
}

// Shutdown does not wait for Cancel if that waits for it, wherever it is called.
func TestShutdownElsewhereAndOutput(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sh")
	c.Cancel = func() error {
		result := make(chan error)
		go func() { result <- c.Shutdown(context.Background()) }()
		return <-result
	}
	c.WaitDelay = time.Millisecond
	lines(t, c, (*execx.Cmd).Start, 1, "trap 'exit 5' TERM; "+daemon+"while :; do sleep 0.01; done")
	result := make(chan error, 1)
	go func() { result <- c.Wait() }()
	cancel()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "exit status 5")
}

// blocking is a writer that blocks until it is closed.
type blocking chan struct{}

func (b blocking) Write(p []byte) (int, error) {
	b <- struct{}{}
	<-b
	return len(p), nil
}

// Nor does it wait for a Writer of the program's own that blocks, or calls it.
func TestShutdownAndWriter(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("sh", "-c", "echo; exec sleep 1000")
	b := make(blocking)
	c.Stdout = b
	require.NoError(t, c.Start())
	proctest.Receive(t, b)
	assert.EqualError(t, c.Shutdown(soon(t)), "signal: terminated")
	done, _ := c.TryWait()
	assert.False(t, done, "it is still copying")
	close(b)
	assert.EqualError(t, c.Wait(), "signal: terminated")

	c = execx.Command("sh", "-c", "echo; exec sleep 1000")
	c.Stdout = calling(func() { c.Shutdown(soon(t)) })
	require.NoError(t, c.Start())
	assert.EqualError(t, c.Wait(), "signal: terminated")
}

// A calling is a writer that calls a function.
type calling func()

func (f calling) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

// Process.Release takes away what os knows of the process, but not what Shutdown ends.
func TestShutdownOfReleased(t *testing.T) {
	for _, group := range []bool{false, true} {
		proctest.NoLeaks(t)
		c := startScript(t, func() *execx.Cmd { c := execx.Command("sh"); c.ProcessGroup = group; return c }(), obedient)
		require.NoError(t, c.Process.Release())
		assert.EqualError(t, c.Shutdown(t.Context()), "exit status 5")
	}
}

// What Shutdown has begun to end it goes on to end, and nothing else.
func TestShutdownOfReplaced(t *testing.T) {
	c := startScript(t, execx.Command("sh"), "trap 'echo asked' TERM; "+loop)
	before := c.Process
	out := c.Stdout.(chunks)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- c.Shutdown(ctx) }()
	proctest.Receive(t, out)
	other := proctest.Start(t, "sleep", "1000")
	c.Process = other
	c.Signal(syscall.Signal(0)) // notices
	cancel()
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
	assert.True(t, proctest.Ended(before.Pid))
	assert.NoError(t, other.Signal(syscall.Signal(0)))
}

// A callback of a context can use the command.
func TestCloseUnderForeignContext(t *testing.T) {
	proctest.NoLeaks(t)
	c := startScript(t, execx.Command("sh"), stubborn)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- c.Shutdown(asking{ctx, c}) }()
	proctest.Until(t, func() bool { return execx.Live()[0].Waiters > 0 }, "does not wait")
	require.NoError(t, c.Close())
	err, _ := proctest.Receive(t, result)
	assert.Equal(t, execx.ErrClosed, err)
	require.NoError(t, c.Kill())
	drainOrphans(t)
}

// An asking is a context that uses a command.
type asking struct {
	context.Context
	c *execx.Cmd
}

func (a asking) Done() <-chan struct{} {
	a.c.TryWait()
	return a.Context.Done()
}
