package execxtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

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

// A process that is a subreaper already reaps orphans itself, and stays a subreaper.
func TestOwnSubreaper(t *testing.T) {
	needsSubreaper(t)
	if proctest.Rerunning() {
		pid := proctest.Orphan(t, "exit 3")
		proctest.Zombie(t, pid)
		assert.Empty(t, verify(), "it has ended")
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		require.NoError(t, err)
		assert.Equal(t, 3, status.ExitStatus())
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "own subreaper")
	assert.Zero(t, code, "%s%s", stdout, stderr)
}

// Without VerifyTestMain, this process is a subreaper while a test is checked.
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
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		assert.False(t, subreaper(t)) // may skip the test
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "no subreaper")
	assert.Zero(t, code, "%s%s", stdout, stderr)
}

// A process whose first thread has ended looks like a zombie, but is not one.
func TestLeaderless(t *testing.T) {
	p, _ := proctest.Leaderless(t, func(c *exec.Cmd) { c.Env = append(c.Env, mainOf+"=proctest") })
	assert.Contains(t, verify(), fmt.Sprintf("pid %d, running, ", p.Pid))
}

// Orphans can be told from children because no goroutine of this process runs on its main thread.
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

// Tests can check for leaked goroutines while this process is a subreaper.
func TestNoGoroutine(t *testing.T) {
	needsSubreaper(t)
	if !proctest.Apart(t, nil) {
		return
	}
	require.True(t, subreaper(t))
	gone(t, proctest.Orphan(t, "exit")) // a scan has happened
	goleak.VerifyNone(t)
}
