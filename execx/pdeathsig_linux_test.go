package execx_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

func mortal(name string, arg ...string) *execx.Cmd {
	c := execx.Command(name, arg...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// onThreadThatEnds calls f on a thread that ends after f returns.
func onThreadThatEnds(f func()) (tid int) {
	var locked sync.WaitGroup
	locked.Go(func() {
		f()
		runtime.LockOSThread() // and never unlocks
		tid = syscall.Gettid()
	})
	locked.Wait()
	return tid
}

// onLockedThread calls f locked to a thread, which then ends unless it is the main thread.
func onLockedThread(f func()) {
	var locked sync.WaitGroup
	locked.Go(func() {
		runtime.LockOSThread()
		if syscall.Gettid() != os.Getpid() {
			f()
			return
		}
		onLockedThread(f)
		runtime.UnlockOSThread()
	})
	locked.Wait()
}

// Pdeathsig is sent when this process ends, not when one of its threads does.
func TestPdeathsigIgnoresThreads(t *testing.T) {
	proctest.NoLeaks(t)
	for range 5 {
		var cmds []*execx.Cmd
		thread := onThreadThatEnds(func() {
			for range 5 {
				c := mortal("sleep", "1000")
				if assert.NoError(t, c.Start()) {
					cmds = append(cmds, c)
				}
			}
		})
		if thread != os.Getpid() { // the main thread does not end
			proctest.Until(t, func() bool {
				_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
				return err != nil
			}, "thread %d lives", thread)
		}
		for _, c := range cmds {
			done, err := c.TryWait()
			assert.False(t, done, "%v", err)
			require.NoError(t, c.Signal(syscall.SIGTERM))
			assert.EqualError(t, c.Wait(), "signal: terminated")
		}
	}
}

func TestPdeathsigOfProcess(t *testing.T) {
	const n = 10
	if proctest.Rerunning() {
		for range n {
			onThreadThatEnds(func() {
				c := mortal("sleep", "1000")
				assert.NoError(t, c.Start())
				fmt.Println("pid", c.Process.Pid)
			})
		}
		time.Sleep(time.Hour) // until killed
	}
	proctest.NoLeaks(t)
	helper := proctest.Rerun(t)
	stdout, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	var pids []int
	for lines := bufio.NewScanner(stdout); len(pids) < n && lines.Scan(); {
		if s, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid, err := strconv.Atoi(s)
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	assert.Len(t, pids, n)
	for _, pid := range pids {
		assert.False(t, proctest.Ended(pid))
	}
	require.NoError(t, helper.Process.Kill())
	assert.EqualError(t, helper.Wait(), "signal: killed")
	untilEnded(t, pids...)
}

// The thread that starts such processes ends when all of them are reaped, in whatever way, and the
// next such process gets a new thread.
func TestPdeathsigLeavesNoThread(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, c *execx.Cmd)
	}{
		{"waited for", func(t *testing.T, c *execx.Cmd) {
			assert.NoError(t, c.Kill())
			assert.EqualError(t, c.Wait(), "signal: killed")
		}},
		{"closed", func(t *testing.T, c *execx.Cmd) {
			assert.NoError(t, c.Close())
			assert.NoError(t, c.Kill())
		}},
		{"dropped", func(t *testing.T, c *execx.Cmd) { assert.NoError(t, c.Kill()) }},
		{"waited for by os/exec", func(t *testing.T, c *execx.Cmd) {
			assert.NoError(t, c.Kill())
			assert.EqualError(t, c.Cmd.Wait(), "signal: killed")
		}},
		{"stolen", func(t *testing.T, c *execx.Cmd) {
			assert.NoError(t, c.Kill())
			assert.NoError(t, execx.AwaitExit(t.Context(), c.Process))
			syscall.Wait4(c.Process.Pid, nil, 0, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					c := mortal("sleep", "1000")
					if assert.NoError(t, c.Start()) {
						tt.end(t, c)
					}
				})
			}
			all.Wait()
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			cmdtest.DrainOrphans(t)
			// If os/exec or other code has reaped a process, that is noticed when its Cmd becomes
			// unreachable.
			proctest.Collect(t, func() bool { return !execx.HasPdeathsigThread() }, "the thread is still needed")
		})
	}
	t.Run("not started", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := mortal("true")
		c.Dir = "/no such directory"
		assert.Error(t, c.Start())
		assert.EqualError(t, c.Wait(), "exec: not started")
	})
}

// A start that is stuck holds up no other. The start of a program that this process has a lease for
// is, until the lease is given up.
func TestPdeathsigStuck(t *testing.T) {
	// Where the new process borrows the memory of this one, as by default, the start takes up a
	// processor, and garbage collection has to wait for it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	compare(t, func(t *testing.T, command commander) error {
		program := filepath.Join(t.TempDir(), "program")
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755))
		f, err := os.Open(program)
		require.NoError(t, err)
		defer f.Close()
		lease := func(kind int) error {
			_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, kind)
			return err
		}
		if err := lease(unix.F_WRLCK); err != nil {
			t.Skip("no lease: ", err)
		}
		defer lease(unix.F_UNLCK)
		run := func(name string) <-chan error {
			c, r := command(nil, name)
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			result := make(chan error, 1)
			go func() { result <- r.Run() }()
			return result
		}
		stuck := run(program)
		proctest.Until(t, func() bool {
			kind, err := unix.FcntlInt(f.Fd(), unix.F_GETLEASE, 0)
			return err == nil && kind == unix.F_RDLCK // this process is asked to give it up
		}, "not stuck")
		children := proctest.Children()
		require.Len(t, children, 1)
		err, _ = proctest.Receive(t, run("true"))
		assert.NoError(t, err)
		// The kernel takes the lease away in the end.
		shell, err := filepath.EvalSymlinks("/bin/sh")
		require.NoError(t, err)
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", children[0]))
		require.NoError(t, err)
		assert.NotEqual(t, shell, exe, "no longer stuck")
		require.NoError(t, lease(unix.F_UNLCK))
		err, _ = proctest.Receive(t, stuck)
		return err
	})
}

func TestPdeathsigWithContext(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, "sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, c.Start())
	cancel()
	assert.EqualError(t, c.Wait(), "signal: killed")
}

// A goroutine locked to its thread starts the process on that thread, and the process gets the
// signal when the thread ends, as with os/exec.
func TestPdeathsigOfLockedThread(t *testing.T) {
	proctest.NeedsRoot(t)
	for _, pkg := range commanders {
		t.Run(pkg.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			var sleeper runner
			onLockedThread(func() {
				_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, proctest.Nobody, proctest.Nobody, proctest.Nobody)
				assert.Zero(t, errno)
				c, r := pkg.command(nil, "id", "-u")
				c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
				out, err := r.Output()
				assert.NoError(t, err)
				assert.Equal(t, "65534\n", string(out))
				c, sleeper = pkg.command(nil, "sleep", "1000")
				c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
				assert.NoError(t, sleeper.Start())
			})
			assert.EqualError(t, sleeper.Wait(), "signal: terminated")
		})
	}
}

// A bubble and the rest of a test can both have such processes.
func TestPdeathsigInBubble(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		start := func(t *testing.T) (end func() error) {
			c, r := command(nil, "sleep", "1000")
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			assert.NoError(t, r.Start())
			return func() error {
				assert.NoError(t, c.Process.Kill())
				return r.Wait()
			}
		}
		before := start(t)
		started, during := make(chan bool, 1), make(chan func() error, 1)
		go func() {
			<-started
			during <- start(t)
		}()
		synctest.Test(t, func(t *testing.T) {
			end := start(t)
			started <- true
			assert.EqualError(t, end(), "signal: killed")
		})
		end, _ := proctest.Receive(t, during)
		assert.EqualError(t, end(), "signal: killed")
		return before()
	})
}

func TestPdeathsigWithPtrace(t *testing.T) {
	compare(t, func(t *testing.T, command commander) error {
		asTracer(t)
		c, r := command(nil, "true")
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Ptrace: true}
		require.NoError(t, r.Start())
		err := r.Wait()
		pid := c.ProcessState.Pid()
		require.NoError(t, syscall.PtraceCont(pid, 0))
		_, waitErr := waitPID(pid)
		require.NoError(t, waitErr)
		return err
	})
}
