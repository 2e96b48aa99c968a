package execx_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
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

func TestReapAdoptedAsSubreaper(t *testing.T) {
	proctest.Slow(t)
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.BecomeSubreaper(t)
	testReapAdopted(t, 200, 3)
}

func TestReapAdoptedAsInit(t *testing.T) {
	proctest.Slow(t)
	if !pidfd.Supported() {
		t.Skip("takes long without pidfds, and differs from a subreaper in nothing")
	}
	if !proctest.Apart(t, asInit) {
		return
	}
	require.Equal(t, 1, os.Getpid())
	require.NoError(t, unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Skip(err)
	}
	testReapAdopted(t, 500, 1)
}

// asInit makes c run as PID 1 of a PID namespace, with its own mounts.
func asInit(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
}

// gate returns a pipe that processes read from until open is called.
func gate(t *testing.T) (r *os.File, open func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, func() { w.Close() }
}

// adopt returns the PIDs of n new children that this process has not started, and that run until
// the gate opens.
func adopt(t *testing.T, n int, gate *os.File) (pids []int) {
	t.Helper()
	for len(pids) < n {
		c := execx.Command("sh", "-c", fmt.Sprintf("for i in $(seq %d); do cat <&3 >/dev/null 2>&1 & echo $!; done", min(10, n-len(pids))))
		c.ExtraFiles = []*os.File{gate}
		out, err := c.Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	require.Subset(t, proctest.Children(), pids)
	return pids
}

// testReapAdopted reaps n adopted children, and starts n children of its own.
func testReapAdopted(t *testing.T, n, callers int) {
	ctx, cancel := context.WithCancel(t.Context())
	reapers := make(chan error, callers)
	for range callers {
		go func() { reapers <- execx.ReapAdopted(ctx) }()
	}
	r, open := gate(t)
	adopted := adopt(t, n, r)

	// Half of the own children are waited for when they end, the others when all adopted children
	// are gone. Without pidfds, os/exec has less time.
	type own struct {
		wait func() error
		pid  int
		code int
	}
	var late []own
	early := make(chan error, n)
	expect := func(o own) error {
		err := o.wait()
		if exitErr, ok := err.(*exec.ExitError); !ok || exitErr.ExitCode() != o.code {
			return fmt.Errorf("exit code %d expected: %v", o.code, err)
		}
		return nil
	}
	for i := range n {
		o := own{code: i%200 + 1}
		c := execx.Command("sh", "-c", fmt.Sprintf("read x; exit %d", o.code))
		c.Stdin = r
		isLate := i%4 < 2
		if i%2 == 0 {
			require.NoError(t, c.Start())
			o.wait = c.Wait
		} else {
			require.NoError(t, c.Cmd.Start())
			o.wait = c.Cmd.Wait
			isLate = isLate && pidfd.Supported()
		}
		o.pid = c.Process.Pid
		if isLate {
			late = append(late, o)
		} else {
			go func() { early <- expect(o) }()
		}
	}
	open()
	for range n - len(late) {
		err, _ := proctest.Receive(t, early)
		assert.NoError(t, err)
	}
	for _, pid := range adopted {
		proctest.Until(t, func() bool { return proctest.State(pid) == 0 }, "%d is not reaped", pid)
	}

	for _, o := range late {
		assert.Equal(t, byte('Z'), proctest.State(o.pid))
		assert.NoError(t, expect(o))
	}
	assert.Empty(t, proctest.Children())
	cancel()
	for range callers {
		err, _ := proctest.Receive(t, reapers)
		assert.ErrorIs(t, err, context.Canceled)
	}
}

// Children that a program has started before syscall.Exec are orphans afterwards.
func TestReapAdoptedAfterExec(t *testing.T) {
	proctest.Slow(t)
	const executed = "EXECX_EXECUTED"
	if !proctest.Apart(t, nil) {
		return
	}
	if os.Getenv(executed) == "" {
		c := execx.Command("cat")
		_, err := c.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		require.NoError(t, syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), executed+"=1")))
	}
	assert.Len(t, proctest.Children(), 1, "the pipe is closed by exec, but not the child")
	ctx, cancel := context.WithCancel(t.Context())
	reaper := make(chan error, 1)
	go func() { reaper <- execx.ReapAdopted(ctx) }()
	proctest.Until(t, proctest.NoChildren, "not reaped")
	cancel()
	err, _ := proctest.Receive(t, reaper)
	assert.ErrorIs(t, err, context.Canceled)
}

// A dropped child of os/exec is reaped once the garbage collector has found it.
func TestReapAdoptedTakesWhatWasDropped(t *testing.T) {
	proctest.Slow(t)
	if !proctest.Apart(t, nil) {
		return
	}
	if !pidfd.Supported() {
		t.Skip("os holds nothing that could be dropped")
	}
	ctx, cancel := context.WithCancel(t.Context())
	reaper := make(chan error, 1)
	go func() { reaper <- execx.ReapAdopted(ctx) }()
	require.NoError(t, exec.Command("true").Start())
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cancel()
	proctest.Receive(t, reaper)
}

func TestReapAdoptedOnceDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, execx.ReapAdopted(ctx), context.Canceled)
}

func ExampleReapAdopted() {
	// An init process has to do this, unless it is PID 1, which inherits orphans anyway.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
		return
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	ctx, cancel := context.WithCancel(context.Background())
	go execx.ReapAdopted(ctx)
	defer cancel()

	c := execx.Command("sh", "-c", "sleep 0.01 & echo $!")
	stdout, err := c.StdoutPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := c.Run(); err != nil {
		fmt.Println(err)
		return
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	stdout.Close()
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	for unix.Kill(pid, 0) == nil { // also succeeds for a zombie
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("the orphan is reaped")
	// Output: the orphan is reaped
}
