package execx_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

// commanders are the two packages: what os/exec does is what a program relies on.
var commanders = map[string]commander{"exec": std, "execx": ours}

// collected waits until what is garbage now has been found, and what is only then garbage,
// too: a Cmd that was dropped is found before its os.Process.
func collected(t *testing.T) {
	t.Helper()
	for range 4 {
		found := make(chan struct{})
		runtime.AddCleanup(new([64]byte), func(found chan struct{}) { close(found) }, found)
		proctest.Collect(t, func() bool {
			select {
			case <-found:
				return true
			default:
				return false
			}
		}, "not found")
	}
}

// waitNumber is wait4(2).
func waitNumber(pid int) (syscall.WaitStatus, error) {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			return status, err
		}
	}
}

// Whoever kept the os.Process alone gets the exit status, however late.
func TestProcessIsKept(t *testing.T) {
	for name, command := range commanders {
		for _, ended := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				proctest.NoLeaks(t)
				start := func() *os.Process {
					script := "read line; exit 3"
					if ended {
						script = "exit 3"
					}
					c, r := command(nil, "sh", "-c", script)
					in, w, err := os.Pipe()
					require.NoError(t, err)
					t.Cleanup(func() { w.Close() })
					c.Stdin = in
					defer in.Close()
					require.NoError(t, r.Start())
					if !ended {
						runtime.AddCleanup(c, func(w *os.File) { w.Close() }, w) // it ends once c is garbage
					}
					return c.Process
				}
				var all []*os.Process
				for range 20 {
					all = append(all, start())
				}
				for _, p := range all {
					proctest.Collect(t, func() bool { return proctest.State(p.Pid) == 'Z' }, "not ended")
				}
				collected(t)
				for _, p := range all {
					state, err := p.Wait()
					if assert.NoError(t, err) {
						assert.Equal(t, 3, state.ExitCode())
					}
				}
			})
		}
	}
}

// It is reaped after that has been dropped, too.
func TestProcessIsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	before := execx.ReadStats().Leaked
	p := func() *os.Process {
		c := execx.Command("sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Start())
		return c.Process
	}()
	collected(t)
	assert.Zero(t, execx.Orphans())
	assert.NoError(t, p.Signal(syscall.Signal(0)), "it is not killed either")
	assert.Equal(t, before, execx.ReadStats().Leaked)
	runtime.KeepAlive(p)
	p = nil
	proctest.Collect(t, noChildren, "not reaped")
	drainOrphans(t)
	assert.Equal(t, before+1, execx.ReadStats().Leaked)
}

// A process that has been waited for through its os.Process is not leaked.
func TestProcessIsDroppedAfterWait(t *testing.T) {
	proctest.NoLeaks(t)
	before := execx.ReadStats()
	func() {
		c := execx.Command("true")
		require.NoError(t, c.Start())
		p := c.Process
		c = nil
		collected(t)
		_, err := p.Wait()
		require.NoError(t, err)
	}()
	proctest.Collect(t, func() bool { return execx.ReadStats().Reaped == before.Reaped+1 }, "not noticed")
	assert.Equal(t, before.Leaked, execx.ReadStats().Leaked)
	assert.Empty(t, execx.Live())
}

func TestReleasedIsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	for range 50 {
		c := execx.Command("true")
		require.NoError(t, c.Start())
		require.NoError(t, c.Process.Release())
	}
	proctest.Collect(t, noChildren, "not reaped")
	drainOrphans(t)
}

// A number that was given to another child is no business of the command that had it.
func TestReleasedNumberIsAnothers(t *testing.T) {
	if !proctest.Apart(t, func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	}) {
		return
	}
	require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	require.NoError(t, unix.Mount("proc", "/proc", "proc", 0, ""))
	for _, release := range []bool{true, false} {
		pid := func() int {
			c := execx.Command("true")
			require.NoError(t, c.Start())
			pid := c.Process.Pid
			if release {
				require.NoError(t, c.Process.Release())
			}
			_, err := waitNumber(pid)
			require.NoError(t, err)
			return pid
		}()
		later := time.Now().Add(20 * time.Millisecond) // the clock of /proc ticks every ten
		proctest.Until(t, func() bool { return time.Now().After(later) }, "time stands still")
		require.NoError(t, os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0))
		p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "exit 3"}, &os.ProcAttr{})
		require.NoError(t, err)
		require.Equal(t, pid, p.Pid)
		proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
		state, err := p.Wait()
		require.NoError(t, err)
		assert.Equal(t, 3, state.ExitCode())
	}
}

// A context ends a process, and leaves it to be waited for.
func TestContextDoesNotReap(t *testing.T) {
	for name, command := range commanders {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			for i := range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				c, r := command(ctx, "sleep", "1000")
				require.NoError(t, r.Start())
				cancel()
				if i%2 == 0 {
					proctest.Zombie(t, c.Process.Pid)
				}
				state, err := c.Process.Wait()
				if assert.NoError(t, err) {
					assert.Equal(t, "signal: killed", state.String())
				}
				assert.ErrorIs(t, r.Wait(), syscall.ECHILD) // which lets go of the context
			}
		})
	}
}

// The number is that of the process, and of its group, for as long as the Cmd is there.
func TestNumberIsPinned(t *testing.T) {
	for name, command := range commanders {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			c, r := command(ctx, "sleep", "1000")
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, r.Start())
			cancel()
			proctest.Zombie(t, c.Process.Pid)
			looks(t)
			assert.Equal(t, byte('Z'), proctest.State(c.Process.Pid))
			assert.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGKILL))
			assert.EqualError(t, r.Wait(), "signal: killed")
		})
	}
}

// looks waits until every process that is watched has been looked at, as happens once a
// second: that is how it is found that one was released.
func looks(t *testing.T) {
	t.Helper()
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	pid := c.Process.Pid
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Process.Release())
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	err, _ := proctest.Receive(t, result)
	require.EqualError(t, err, "signal: killed")
}

// A program may have a reaper of its own, and wait for what that has seen.
func TestReaperOfTheProgram(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	for name, command := range commanders {
		t.Run(name, func(t *testing.T) {
			const n = 10
			ctx, cancel := context.WithCancel(t.Context())
			var cmds []runner
			for range n {
				_, r := command(ctx, "sleep", "1000")
				require.NoError(t, r.Start())
				cmds = append(cmds, r)
			}
			cancel()
			for range n {
				status, err := waitNumber(-1)
				require.NoError(t, err)
				assert.Equal(t, syscall.SIGKILL, status.Signal())
			}
			for _, r := range cmds {
				assert.Error(t, r.Wait())
			}
		})
	}
}

// A program may keep nothing of a command but its number.
func TestNumberIsKept(t *testing.T) {
	if !proctest.Apart(t, func(c *exec.Cmd) { c.Env = append(c.Env, "EXECX_TEST_FULL_GRACE=1") }) {
		return
	}
	for _, seen := range []bool{false, true} {
		for range 20 {
			pid := func() int {
				c := execx.Command("sleep", "1000")
				require.NoError(t, c.Start())
				return c.Process.Pid
			}()
			if seen { // by the garbage collector
				proctest.Collect(t, func() bool { return execx.Orphans() == 1 }, "not found")
			}
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			status, err := waitNumber(pid)
			require.NoError(t, err)
			assert.Equal(t, syscall.SIGKILL, status.Signal())
		}
		proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
	}
	drainOrphans(t)
}

// A process that has ended by itself was not ended by the context.
func TestEndedIsNotCanceled(t *testing.T) {
	for name, prepare := range map[string]func(c *execx.Cmd){
		"default": func(c *execx.Cmd) {},
		"Cancel":  func(c *execx.Cmd) { c.Cancel = func() error { panic("called") } },
		"group":   func(c *execx.Cmd) { c.ProcessGroup = true },
		"output":  func(c *execx.Cmd) { c.Stdout, c.WaitDelay = new(bytes.Buffer), time.Minute },
	} {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(t.Context())
			c := execx.CommandContext(ctx, "true")
			prepare(c)
			require.NoError(t, c.Start())
			proctest.Zombie(t, c.Process.Pid)
			done := make(chan struct{})
			context.AfterFunc(ctx, func() { close(done) })
			cancel()
			proctest.Receive(t, done)
			assert.NoError(t, c.Wait())
			assert.NoError(t, c.Close())
		})
	}
}

// A leader that has ended does not make a polite Cancel, and WaitDelay, a SIGKILL of what
// it has left behind.
func TestEndedLeaderIsNotKilled(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	c := execx.CommandContext(ctx, "sh", "-c", "(read line; echo flushed) <&3 & exit 0")
	in, out, err := os.Pipe()
	require.NoError(t, err)
	c.ExtraFiles = []*os.File{in}
	c.Stdout = w
	c.ProcessGroup = true
	c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	require.NoError(t, c.Start())
	in.Close()
	w.Close()
	proctest.Zombie(t, c.Process.Pid)
	done := make(chan struct{})
	context.AfterFunc(ctx, func() { close(done) })
	cancel()
	proctest.Receive(t, done)
	assert.NoError(t, c.Wait())
	out.Close()
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "flushed\n", string(rest))
	require.NoError(t, c.Close())
}

// Of commands whose time is up at about their end, those that have succeeded say so.
func TestDeadlineAtTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	const rounds, workers = 20, 32
	began := time.Now()
	for range workers {
		require.NoError(t, execx.Command("true").Run())
	}
	most := time.Since(began) // that one of as many at once takes
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for j := range rounds {
				timeout := most * time.Duration(i*rounds+j) / (rounds * workers)
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				c := execx.CommandContext(ctx, "true")
				err := c.Run()
				cancel()
				if c.ProcessState != nil && c.ProcessState.Success() {
					assert.NoError(t, err)
				}
			}
		})
	}
	all.Wait()
}

// The Cancel of a program is called, whatever has become of the Cmd.
func TestCancelOfDropped(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	func() {
		c := execx.CommandContext(ctx, "sh", "-c", "trap 'echo flushed; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
		c.Stdout = w
		c.KillOnClose = true
		c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
		c.WaitDelay = time.Minute
		require.NoError(t, c.Start())
	}()
	w.Close()
	ready := make([]byte, len("ready\n"))
	_, err = io.ReadFull(r, ready)
	require.NoError(t, err)
	collected(t)
	cancel()
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "flushed\n", string(rest))
	proctest.Collect(t, noChildren, "not reaped")
	drainOrphans(t)
}

// A context that lives on keeps nothing of what has ended.
func TestManyWithCancelUnderOneContext(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 500
	if testing.Short() || !pidfd.Supported() { // where each end has all be looked at
		n = 200
	}
	for range n {
		c := execx.CommandContext(ctx, "true")
		c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
		require.NoError(t, c.Start())
	}
	proctest.Collect(t, noChildren, "not reaped")
	drainOrphans(t)
	assert.Empty(t, execx.Live())
}

// A program may put another process into the Cmd, and wait for that.
func TestProcessIsReplaced(t *testing.T) {
	for name, command := range commanders {
		for _, wait := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				proctest.NoLeaks(t)
				var out bytes.Buffer
				c, r := command(nil, "sh", "-c", "echo first; exit 1")
				c.Stdout = &out
				require.NoError(t, r.Start())
				if wait {
					c.Process.Wait()
				}
				first := c.Process
				other := exec.Command("sh", "-c", "exit 2")
				require.NoError(t, other.Start())
				c.Process = other.Process
				assert.EqualError(t, r.Wait(), "exit status 2")
				assert.Equal(t, other.Process.Pid, c.ProcessState.Pid())
				assert.Equal(t, "first\n", out.String())
				if !wait {
					state, err := first.Wait() // it is whoever's has it
					if assert.NoError(t, err) {
						assert.Equal(t, 1, state.ExitCode())
					}
				}
			})
		}
	}
	t.Run("context", func(t *testing.T) { // which ends the one that is there
		compare(t, func(t *testing.T, command commander) error {
			ctx, cancel := context.WithCancel(t.Context())
			c, r := command(ctx, "true")
			require.NoError(t, r.Start())
			c.Process.Wait()
			other := exec.Command("sleep", "1000")
			require.NoError(t, other.Start())
			c.Process = other.Process
			cancel()
			return r.Wait()
		})
	})
	t.Run("closed", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("true")
		require.NoError(t, c.Start())
		require.NoError(t, c.Close())
		other := exec.Command("sh", "-c", "exit 2")
		require.NoError(t, other.Start())
		c.Process = other.Process
		assert.ErrorIs(t, c.Wait(), execx.ErrClosed)
		drainOrphans(t)
		assert.EqualError(t, other.Wait(), "exit status 2")
	})
	t.Run("dropped", func(t *testing.T) {
		proctest.NoLeaks(t)
		func() {
			c := execx.Command("sh", "-c", "exit 1")
			require.NoError(t, c.Start())
			other := exec.Command("sleep", "1000")
			require.NoError(t, other.Start())
			c.Process = other.Process
			assert.NoError(t, c.Kill())
		}()
		proctest.Collect(t, noChildren, "not reaped")
		drainOrphans(t)
	})
}

func TestReleaseWhileWaiting(t *testing.T) {
	for name, command := range commanders {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c, r := command(nil, "sh", "-c", "read line; exit 3")
			stdin, err := r.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, r.Start())
			pid := c.Process.Pid
			result := make(chan error, 1)
			go func() { result <- r.Wait() }()
			proctest.Until(t, func() bool { return waiting(name, r) }, "not waiting")
			require.NoError(t, c.Process.Release())
			stdin.Close()
			err, _ = proctest.Receive(t, result)
			assert.EqualError(t, err, "exit status 3")
			assert.Equal(t, pid, c.ProcessState.Pid())
		})
	}
}

// waiting reports whether a goroutine is blocked in Wait of the only command there is.
func waiting(name string, r runner) bool {
	if name == "execx" {
		return execx.Live()[0].Waiters == 1
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return bytes.Contains(stacks, []byte("os.(*Process).pidfdWait")) || bytes.Contains(stacks, []byte("blockUntilWaitable"))
}

// As under os/exec, a process that was released can't be waited for; but it can be
// closed or dropped.
func TestReleaseBeforeWait(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		c, r := command(nil, "sleep", "1000")
		require.NoError(t, r.Start())
		pid := c.Process.Pid
		require.NoError(t, c.Process.Release())
		err := r.Wait()
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		if c, ok := r.(*execx.Cmd); ok {
			done, tryErr := c.TryWait()
			assert.True(t, done)
			assert.Equal(t, err, tryErr)
			require.NoError(t, c.Close())
			drainOrphans(t)
		} else {
			waitNumber(pid)
		}
		return err
	})
}

// What the copying calls may call any method of the command, from its first byte on.
func TestStreamUsesCommand(t *testing.T) {
	for name, use := range map[string]func(c *execx.Cmd){
		"TryWait": func(c *execx.Cmd) { c.TryWait() },
		"Signal":  func(c *execx.Cmd) { c.Signal(syscall.Signal(0)) },
		"Close":   func(c *execx.Cmd) { c.Close() },
		"Live":    func(c *execx.Cmd) { assert.NotEmpty(t, execx.Live()) },
	} {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			before := execx.ReadStats()
			for range 50 {
				c := execx.Command("sh", "-c", "echo out; cat >&2")
				c.Stdin = callReader(func() { use(c) })
				c.Stdout = callWriter(func() { use(c) })
				require.NoError(t, c.Start())
				err := c.Wait()
				if name != "Close" {
					assert.NoError(t, err)
				}
			}
			drainOrphans(t)
			after := execx.ReadStats()
			assert.Equal(t, after.Started-before.Started, after.Reaped-before.Reaped)
			assert.Equal(t, before.Stolen, after.Stolen)
		})
	}
}

type callReader func()

func (f callReader) Read([]byte) (int, error) { f(); return 0, io.EOF }

type callWriter func()

func (f callWriter) Write(b []byte) (int, error) { f(); return len(b), nil }

// A command with a context of os/exec's is reaped like any other.
func TestLiteralWithContextIsDropped(t *testing.T) {
	for name, end := range map[string]func(cancel func(), pid int){
		"ends":     func(_ func(), pid int) { syscall.Kill(pid, syscall.SIGKILL) },
		"is ended": func(cancel func(), _ int) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			pid := func() int {
				c := &execx.Cmd{Cmd: *exec.CommandContext(ctx, "sleep", "1000")}
				c.Stdin = strings.NewReader("in")
				require.NoError(t, c.Start())
				return c.Process.Pid
			}()
			end(cancel, pid)
			proctest.Collect(t, noChildren, "not reaped")
			drainOrphans(t)
		})
	}
}

// What the runtime checks of cleanups holds, whatever is under way at a collection.
func TestCheckFinalizers(t *testing.T) {
	if !proctest.Apart(t, func(c *exec.Cmd) { c.Env = append(c.Env, "GODEBUG=checkfinalizers=1") }) {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	var results []<-chan error
	var kills []func() error
	for _, prepare := range []func(c *execx.Cmd){
		func(c *execx.Cmd) {},
		func(c *execx.Cmd) { c.Cancel = func() error { return c.Kill() } },
		func(c *execx.Cmd) { c.Stdout, c.ProcessGroup = callWriter(func() { c.TryWait() }), true },
	} {
		c := execx.CommandContext(ctx, "sleep", "1000")
		prepare(c)
		require.NoError(t, c.Start())
		waited := make(chan error, 1)
		go func() { waited <- c.Wait() }()
		results = append(results, waited, c.WaitChan(t.Context()))

		adopted := execx.Command("sleep", "1000")
		prepare(adopted)
		adopted.Cancel = nil
		require.NoError(t, adopted.Cmd.Start())
		results = append(results, adopted.WaitChan(t.Context()))
		kills = append(kills, adopted.Kill)
	}
	for range 3 {
		runtime.GC()
	}
	cancel()
	for _, kill := range kills {
		require.NoError(t, kill())
	}
	for _, result := range results {
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, "signal: killed")
	}
}
