package execxtest_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

func init() {
	mains["own subreaper"] = func(m *testing.M) {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
		execxtest.VerifyTestMain(m)
	}
	mains["no subreaper"] = func(m *testing.M) { execxtest.VerifyTestMain(m, execxtest.Subreaper(false)) }
}

func needsSubreaper(t *testing.T) {
	t.Helper()
	proctest.NeedsPidfd(t)
	if os.Getpid() == 1 && !proctest.Rerunning() {
		t.Skip("needs a process that is not given orphans anyway")
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid())); err != nil {
		t.Skip("needs a list of children")
	}
}

// daemon returns the number of a process that c, a shell, has left behind, and printed.
func daemon(t *testing.T, out []byte, err error) int {
	t.Helper()
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	t.Cleanup(func() {
		syscall.Kill(pid, syscall.SIGKILL)
		gone(t, pid)
	})
	return pid
}

// gone waits until there is no process of that number, as programs do that have only that.
func gone(t *testing.T, pid int) {
	t.Helper()
	proctest.Until(t, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }, "process %d is not gone", pid)
}

const leave = "sleep 1000 >&- 2>&- & echo $!"

func TestLeftByCommand(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	c := execx.Command("sh", "-c", leave)
	out, err := c.Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`^execxtest: found child processes left behind: 1
	pid %d, running, \S+ old: sleep 1000
	left, it seems, by pid %d, which has ended: sh -c .*
	started in TestLeftByCommand
	created by:
		go\.execx\.dev/execx/execxtest_test\.TestLeftByCommand
			.*subreaper_linux_test\.go:\d+
What a command leaves behind is ended .*$`, pid, c.Process.Pid), verify())
}

// What remains of a group tells who has led it.
func TestLeftByGroup(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	other := startSleep(t) // runs meanwhile
	c := execx.Command("sh", "-c", leave)
	c.ProcessGroup = true
	out, err := c.Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000
	left by pid %d, which has ended: sh -c .*
	started in TestLeftByGroup
`, pid, c.Process.Pid), verify(execxtest.IgnorePid(other.Process.Pid)))
}

func TestLeftByOneOfSeveral(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	other := startSleep(t)
	c := execx.Command("sh", "-c", leave)
	out, err := c.Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000
	left, it seems, by one of 2 commands that ran then:
		pid %d: sleep 1000, started in TestLeftByOneOfSeveral
		pid %d, which has ended: sh -c .*, started in TestLeftByOneOfSeveral
	started `, pid, other.Process.Pid, c.Process.Pid), verify(execxtest.IgnorePid(other.Process.Pid)))
}

func TestLeftByCommandOfExec(t *testing.T) {
	needsSubreaper(t)
	proctest.PassTick(t)
	out, err := exec.Command("sh", "-c", leave).Output()
	pid := daemon(t, out, err)
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000
	left by a process that has ended
	started `, pid), verify())
}

// Orphans are reaped when they have ended, so that a test can wait until they are gone, and
// are not taken for zombies that somebody has forgotten.
func TestOrphanEnds(t *testing.T) {
	needsSubreaper(t)
	out, err := exec.Command("sh", "-c", "sleep 0.2 >&- 2>&- & echo $!").Output()
	pid := daemon(t, out, err)
	t.Cleanup(execxtest.SetPatience(proctest.Deadline))
	assert.Empty(t, verify())
	gone(t, pid)
}

// An orphan is reaped though the program has a pidfd of it, if it was one before.
func TestOrphanFound(t *testing.T) {
	needsSubreaper(t)
	out, err := exec.Command("sh", "-c", leave).Output()
	pid := daemon(t, out, err)
	assert.NotEmpty(t, verify())
	p, err := os.FindProcess(pid)
	require.NoError(t, err)
	defer p.Release()
	require.NoError(t, p.Kill())
	proctest.Until(t, func() bool { return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) }, "not gone")
}

// The status of a child of this process is left to whoever it belongs to, however it was
// started, and however long it is a zombie.
func TestStatusIsNotTaken(t *testing.T) {
	needsSubreaper(t)
	var commands []*exec.Cmd
	for i := range 10 {
		c := exec.Command("sh", "-c", fmt.Sprint("exit ", i))
		started := make(chan error, 1)
		go func() {
			if i%2 == 0 {
				runtime.LockOSThread() // it ends with the goroutine, and leaves the child to the main thread
			}
			started <- c.Start()
		}()
		err, _ := proctest.Receive(t, started)
		require.NoError(t, err)
		commands = append(commands, c)
	}
	byNumber := make(chan int, 1)
	go func() {
		runtime.LockOSThread() // and so not on the main thread
		defer runtime.UnlockOSThread()
		path, _ := exec.LookPath("false")
		pid, _ := syscall.ForkExec(path, []string{"false"}, nil)
		byNumber <- pid
	}()
	number, _ := proctest.Receive(t, byNumber)
	for _, c := range commands {
		proctest.Zombie(t, c.Process.Pid)
	}
	proctest.Zombie(t, number)

	// An orphan that was reaped since tells that all were looked at.
	out, err := exec.Command("sh", "-c", "true >&- 2>&- & echo $!").Output()
	gone(t, daemon(t, out, err))
	assert.Contains(t, verify(), "left behind: 11\n")

	for i, c := range commands {
		c.Wait()
		assert.Equal(t, i, c.ProcessState.ExitCode())
	}
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(number, &status, 0, nil)
	require.NoError(t, err)
	assert.Equal(t, number, pid)
	assert.Equal(t, 1, status.ExitStatus())
}

// What was left behind is found by the check of a package, too, and killed with all that it
// has started.
func TestLeftBehindByPackage(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		c := execx.Command("sh", "-c", "sh -c 'sleep 1000; :' & sleep 1001 & echo")
		stdout, err := c.StdoutPipe() // which the others keep open
		require.NoError(t, err)
		c.Stderr = os.Stderr
		require.NoError(t, c.Start())
		_, err = bufio.NewReader(stdout).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, c.Wait())
		return
	}
	t.Parallel()
	code, _, stderr, pids := rerun(t, "checked")
	assert.Equal(t, 1, code)
	assert.Regexp(t, `^execxtest: found child processes left behind: 2
	pid P1, running, 0s old: .*
	left, it seems, by pid P2, which has ended: sh -c sh -c 'sleep 1000; :' & sleep 1001 & echo
	started in TestLeftBehindByPackage
	created by:
		go\.execx\.dev/execx/execxtest_test\.TestLeftBehindByPackage
			\.\.\./subreaper_linux_test\.go:0
	pid P3, running, 0s old: .*
	left, it seems, by pid P2, which has ended: (?s:.*)
What was found is killed now\.
$`, stderr)
	for _, pid := range pids {
		assert.True(t, proctest.Ended(pid))
	}
}

// A process that is a subreaper by itself has its own way to reap, and stays one.
func TestOwnSubreaper(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		out, err := exec.Command("sh", "-c", "(sleep 0.1; exit 3) >&- 2>&- & echo $!").Output()
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
		require.NoError(t, err)
		proctest.Zombie(t, pid)
		assert.Empty(t, verify(), "it has ended")
		var status syscall.WaitStatus
		_, err = syscall.Wait4(pid, &status, 0, nil)
		require.NoError(t, err)
		assert.Equal(t, 3, status.ExitStatus())
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "own subreaper")
	assert.Zero(t, code, "%s%s", stdout, stderr)
}

// Without a TestMain, this process is a subreaper as long as a test is checked.
func TestSubreaperForTest(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		assert.False(t, subreaper(t))
		t.Run("checked", func(t *testing.T) {
			execxtest.VerifyNone(t)
			assert.True(t, subreaper(t))
			t.Run("within", func(t *testing.T) { execxtest.VerifyNone(t) })
			assert.True(t, subreaper(t))
			proctest.PassTick(t)
			out, err := exec.Command("sh", "-c", leave).Output()
			require.NoError(t, err)
			t.Log("left", string(out))
		})
		assert.False(t, subreaper(t))
		t.Run("without", func(t *testing.T) {
			execxtest.VerifyNone(t, execxtest.Subreaper(false))
			assert.False(t, subreaper(t))
		})
		require.Error(t, execxtest.Find(execxtest.Kill(true)))
		assert.NoError(t, execxtest.Find())
		return
	}
	t.Parallel()
	code, stdout, _, _ := rerun(t, "plain")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "    --- FAIL: TestSubreaperForTest/checked (0s)\n")
	assert.Contains(t, stdout, "    --- PASS: TestSubreaperForTest/without (0s)\n")
	assert.Regexp(t, `left by a process that has ended
        \tstarted while TestSubreaperForTest/checked ran`, stdout)
}

func subreaper(t *testing.T) bool {
	t.Helper()
	var is int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&is)), 0, 0, 0)
	if err == unix.EINVAL {
		t.Skip("needs subreapers: ", err)
	}
	require.NoError(t, err)
	return is != 0
}

func TestNoSubreaper(t *testing.T) {
	if proctest.Rerunning() {
		out, err := exec.Command("sh", "-c", leave).Output()
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
		require.NoError(t, err)
		assert.False(t, subreaper(t))
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "no subreaper")
	assert.Zero(t, code, "%s%s", stdout, stderr)
}

// A process whose first thread has ended looks like a zombie, and is none.
func TestLeaderless(t *testing.T) {
	p, _ := proctest.Leaderless(t, func(c *exec.Cmd) { c.Env = append(c.Env, mainOf+"=proctest") })
	assert.Contains(t, verify(), fmt.Sprintf("pid %d, running, ", p.Pid))
}

// What tells orphans from children is that this process has none on its main thread.
func TestMainThreadIsLeftAlone(t *testing.T) {
	var threads []chan int
	release := make(chan struct{})
	for range 50 {
		thread := make(chan int, 1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			thread <- unix.Gettid()
			<-release
		}()
		threads = append(threads, thread)
	}
	for _, thread := range threads {
		tid, _ := proctest.Receive(t, thread)
		assert.NotEqual(t, os.Getpid(), tid)
	}
	close(release)
}

// Tests can look for goroutines while this process is a subreaper.
func TestNoGoroutine(t *testing.T) {
	needsSubreaper(t)
	if !proctest.Apart(t, nil) {
		return
	}
	require.True(t, subreaper(t))
	out, err := exec.Command("sh", "-c", "true >&- 2>&- & echo $!").Output()
	gone(t, daemon(t, out, err)) // it has been looked at
	goleak.VerifyNone(t)
}

// A bubble has a time of its own, and processes have not.
func TestBubble(t *testing.T) {
	needsSubreaper(t) // execx has more to say about bubbles where there are no pidfds
	if proctest.Rerunning() {
		synctest.Test(t, func(t *testing.T) {
			execxtest.VerifyNone(t)
			require.NoError(t, execx.Command("true").Run())
		})
		synctest.Test(t, func(t *testing.T) {
			execxtest.SetPatience(proctest.Deadline)
			execxtest.VerifyNone(t)
			c := exec.Command("sleep", "0.2")
			require.NoError(t, c.Start())
			t.Cleanup(func() { time.AfterFunc(0, func() { c.Wait() }) })
		})
		return
	}
	t.Parallel()
	for _, main := range []string{"plain", "checked"} {
		t.Run(main, func(t *testing.T) {
			code, stdout, stderr, _ := rerun(t, main, "-test.run=^TestBubble$")
			assert.Zero(t, code, "%s%s", stdout, stderr)
		})
	}
}

// Nothing of the checker keeps the time of a bubble going.
func TestBubbleDeadlock(t *testing.T) {
	if proctest.Rerunning() {
		synctest.Test(t, func(t *testing.T) {
			execxtest.VerifyNone(t)
			<-make(chan int)
		})
		return
	}
	t.Parallel()
	_, stdout, stderr, _ := rerun(t, "plain", "-test.timeout=20s")
	assert.Contains(t, stdout+stderr, "deadlock")
}
