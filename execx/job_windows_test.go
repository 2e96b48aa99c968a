package execx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/windows"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// The test binary is the program that is started: what it does is in its first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "do-") {
		os.Exit(do(os.Args[1], os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

func do(what string, args []string) int {
	switch what {
	case "do-exit":
		code, _ := strconv.Atoi(args[0])
		return code
	case "do-sleep":
		fmt.Println("sleeping")
		time.Sleep(time.Hour)
	case "do-read":
		io.Copy(io.Discard, os.Stdin)
	case "do-tree": // tells the numbers of a chain of processes, this one first
		fmt.Println(os.Getpid())
		n, _ := strconv.Atoi(args[0])
		if n > 1 {
			c := exec.Command(os.Args[0], "do-tree", strconv.Itoa(n-1), args[1])
			c.Stdout = os.Stdout
			if err := c.Start(); err != nil {
				return 1
			}
			if args[1] == "leave" {
				return 0
			}
		}
		time.Sleep(time.Hour)
	case "do-host": // starts a tree with KillOnExit, and dies
		c := self("do-tree", "2", "stay")
		c.KillOnExit = true
		c.Stdout = os.Stdout
		if err := c.Start(); err != nil {
			return 1
		}
		time.Sleep(time.Hour)
	}
	return 0
}

func self(arg ...string) *execx.Cmd { return execx.Command(os.Args[0], arg...) }

const deadline = time.Minute

// handle returns a handle of a process, to learn of its end whatever becomes of its number.
func handle(t *testing.T, pid int) windows.Handle {
	t.Helper()
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
	require.NoError(t, err)
	t.Cleanup(func() {
		windows.TerminateProcess(h, 1)
		windows.CloseHandle(h)
	})
	return h
}

func ends(t *testing.T, h windows.Handle) {
	t.Helper()
	event, err := windows.WaitForSingleObject(h, uint32(deadline.Milliseconds()))
	require.NoError(t, err)
	require.Equal(t, uint32(windows.WAIT_OBJECT_0), event, "it lives")
}

func lives(t *testing.T, h windows.Handle) {
	t.Helper()
	event, err := windows.WaitForSingleObject(h, 0)
	require.NoError(t, err)
	require.Equal(t, uint32(windows.WAIT_TIMEOUT), event, "it has ended")
}

// tree starts c, which prints the numbers of n processes, and returns handles of them.
func tree(t *testing.T, c *execx.Cmd, n int) (handles []windows.Handle) {
	t.Helper()
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Kill(); c.Wait() })
	lines := bufio.NewScanner(out)
	for range n {
		require.True(t, lines.Scan())
		pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		require.NoError(t, err)
		handles = append(handles, handle(t, pid))
	}
	return handles
}

func TestTree(t *testing.T) {
	for _, leaves := range []string{"stay", "leave"} {
		t.Run(leaves, func(t *testing.T) {
			c := self("do-tree", "3", leaves)
			c.ProcessGroup = true
			processes := tree(t, c, 3)
			if leaves == "leave" {
				ends(t, processes[0])
			}
			lives(t, processes[2])
			require.NoError(t, c.Kill())
			for _, h := range processes {
				ends(t, h)
			}
			c.Wait()
			assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
		})
	}
}

func TestContextOfTree(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := execx.CommandContext(ctx, os.Args[0], "do-tree", "3", "stay")
	c.ProcessGroup = true
	c.GracePeriod = 100 * time.Millisecond
	processes := tree(t, c, 3)
	cancel()
	err := c.Wait()
	assert.Error(t, err)
	for _, h := range processes {
		ends(t, h)
	}
}

func TestShutdownOfReader(t *testing.T) {
	c := self("do-read")
	c.ProcessGroup = true
	_, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	assert.NoError(t, c.Shutdown(t.Context()))
}

func TestWaits(t *testing.T) {
	c := self("do-exit", "3")
	err := c.Run()
	exitErr, ok := errors.AsType[*execx.ExitError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, 3, exitErr.ExitCode())

	c = self("do-sleep")
	require.NoError(t, c.Start())
	done, _ := c.TryWait()
	assert.False(t, done)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, c.WaitContext(ctx), context.DeadlineExceeded)
	goleak.VerifyNone(t)
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Kill())
	assert.Error(t, <-result)
	assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
	assert.Zero(t, execx.ReadStats().FallbackWaits)
}

// 500 children are waited for by few threads.
func TestFewThreads(t *testing.T) {
	const n = 200
	before := threads(t)
	results := make(chan error, n)
	cmds := make([]*execx.Cmd, n)
	for i := range cmds {
		cmds[i] = self("do-sleep")
		require.NoError(t, cmds[i].Start())
		cmds[i].AfterWait(func(err error) { results <- err })
	}
	assert.LessOrEqual(t, threads(t), before+n/60+8)
	for _, c := range cmds {
		require.NoError(t, c.Kill())
	}
	for range cmds {
		<-results
	}
}

func threads(t *testing.T) (n int) {
	t.Helper()
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	require.NoError(t, err)
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: 28}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID == uint32(os.Getpid()) {
			n++
		}
	}
	return n
}

func TestKillOnExit(t *testing.T) {
	host := self("do-host")
	processes := tree(t, host, 2)
	lives(t, processes[1])
	require.NoError(t, host.Process.Kill())
	for _, h := range processes {
		ends(t, h)
	}
}

// A process that cannot be put into a job is killed, and not left suspended for ever.
func TestJobRefused(t *testing.T) {
	for _, set := range []func(c *execx.Cmd){
		func(c *execx.Cmd) { c.ProcessGroup = true },
		func(c *execx.Cmd) { c.KillOnExit = true },
	} {
		var refused *os.Process
		execx.RefuseJobs(t, func(p *os.Process) { refused, _ = os.FindProcess(p.Pid) })
		c := self("do-sleep")
		set(c)
		var pathErr *os.PathError
		require.ErrorAs(t, c.Start(), &pathErr)
		assert.ErrorIs(t, pathErr, windows.ERROR_ACCESS_DENIED)
		assert.Nil(t, c.Process)
		require.NotNil(t, refused)
		defer refused.Release()
		require.NoError(t, refused.WithHandle(func(h uintptr) { ends(t, windows.Handle(h)) }))
	}
}

// What the program itself has asked to be suspended stays so.
func TestSuspended(t *testing.T) {
	c := self("do-exit", "0")
	c.ProcessGroup = true
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_SUSPENDED}
	require.NoError(t, c.Start())
	assert.Equal(t, uint32(windows.CREATE_SUSPENDED), c.SysProcAttr.CreationFlags, "it is not written to")
	done, _ := c.TryWait()
	assert.False(t, done)
	require.NoError(t, c.Kill())
	assert.Error(t, c.Wait())
}

func TestCloseOfTree(t *testing.T) {
	for _, kills := range []bool{true, false} {
		t.Run(fmt.Sprint(kills), func(t *testing.T) {
			c := self("do-tree", "2", "leave")
			c.ProcessGroup, c.KillOnClose = true, kills
			processes := tree(t, c, 2)
			require.NoError(t, c.Wait())
			require.NoError(t, c.Close())
			if kills {
				ends(t, processes[1])
			} else {
				lives(t, processes[1])
			}
		})
	}
}

// With KillOnExit, too, it is KillOnClose that says what Close does.
func TestKillOnExitAndClose(t *testing.T) {
	c := self("do-tree", "2", "leave")
	c.ProcessGroup, c.KillOnExit = true, true
	processes := tree(t, c, 2)
	require.NoError(t, c.Wait())
	require.NoError(t, c.Close())
	lives(t, processes[1])
}

func TestDropped(t *testing.T) {
	before := execx.ReadStats()
	var h windows.Handle
	func() {
		c := self("do-sleep")
		c.KillOnClose = true
		require.NoError(t, c.Start())
		h = handle(t, c.Process.Pid)
	}()
	proctest.Collect(t, func() bool { return execx.ReadStats().Reaped > before.Reaped }, "it is not found")
	ends(t, h)
	assert.Equal(t, before.Leaked+1, execx.ReadStats().Leaked)
	require.NoError(t, execx.DrainOrphans(t.Context()))
	assert.Empty(t, execx.Live())
}

func TestAwaitExit(t *testing.T) {
	c := exec.Command(os.Args[0], "do-sleep")
	require.NoError(t, c.Start())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, execx.AwaitExit(ctx, c.Process), context.DeadlineExceeded)
	require.NoError(t, c.Process.Kill())
	assert.NoError(t, execx.AwaitExit(t.Context(), c.Process))
	assert.Error(t, c.Wait())
	assert.Equal(t, 1, c.ProcessState.ExitCode())
}

// A Wait of os does not take the status from ours, as the process is there as long as anybody has
// a handle of it.
func TestWaitedForByOS(t *testing.T) {
	c := self("do-sleep")
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	go c.Process.Wait()
	require.NoError(t, c.Kill())
	<-result
	require.NotNil(t, c.ProcessState)
	assert.Equal(t, 1, c.ProcessState.ExitCode())
}

// Release does not disturb a Wait that is under way.
func TestReleased(t *testing.T) {
	c := self("do-sleep")
	require.NoError(t, c.Start())
	h := handle(t, c.Process.Pid)
	result := c.WaitChan(t.Context())
	require.NoError(t, c.Process.Release())
	require.NoError(t, windows.TerminateProcess(h, 7))
	exitErr, ok := errors.AsType[*execx.ExitError](<-result)
	require.True(t, ok)
	assert.Equal(t, 7, exitErr.ExitCode())
}

// What a process has left behind holds no reader of its output once the process has ended, and
// nothing is lost.
func TestStdoutPipeOfDaemon(t *testing.T) {
	for range 20 {
		c := self("do-tree", "2", "leave")
		c.ProcessGroup, c.KillOnClose = true, true
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		read := make(chan []byte)
		go func() {
			b, err := io.ReadAll(out)
			assert.NoError(t, err)
			read <- b
		}()
		require.NoError(t, c.Wait())
		select {
		case b := <-read:
			assert.NotEmpty(t, b)
		case <-time.After(deadline):
			require.FailNow(t, "it blocks")
		}
		require.NoError(t, c.Close())
	}
}
