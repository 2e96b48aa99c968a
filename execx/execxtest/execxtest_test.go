//go:build unix

package execxtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

// leaking is the environment variable that makes a test leak a child, for another
// one to look at the failure.
const leaking = "EXECXTEST_LEAK"

func TestMain(m *testing.M) { goleak.VerifyTestMain(execxtest.Checked(m)) }

// verdict is what VerifyNone says of a test.
type verdict []string

func (v *verdict) Error(args ...any) { *v = append(*v, fmt.Sprint(args...)) }
func (v *verdict) Helper()           {}

func verify(opts ...execxtest.Option) string {
	var v verdict
	execxtest.VerifyNone(&v, opts...)
	return strings.Join(v, "\n")
}

// verifyLeft is verify where children are left that no time would end.
func verifyLeft(opts ...execxtest.Option) string {
	defer execxtest.SetPatience(time.Millisecond)()
	return verify(opts...)
}

func TestNothingLeft(t *testing.T) {
	require.NoError(t, execx.Command("true").Run())
	assert.Empty(t, verify())
}

func startSleep(t *testing.T) *execx.Cmd {
	t.Helper()
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Kill(); c.Wait() })
	return c
}

func TestRunning(t *testing.T) {
	c := startSleep(t)
	got := verifyLeft()
	assert.Regexp(t, fmt.Sprintf(`^execxtest: found child processes left behind: 1
	pid %d, running, \S+ old: sleep 1000
	created by:
		go\.execx\.dev/execx/execxtest_test\.startSleep
			.*execxtest_test\.go:\d+
`, c.Process.Pid), got)
}

func needsProc(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs the proc file system of Linux")
	}
}

// Whoever has started it.
func TestRunningOfExec(t *testing.T) {
	needsProc(t)
	p := proctest.Start(t, "sleep", "1000")
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep 1000$`, p.Pid), verifyLeft())
}

func TestZombie(t *testing.T) {
	needsProc(t)
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	assert.Regexp(t, fmt.Sprintf(`pid %d, zombie, \S+ old: \[true\]$`, p.Pid), verifyLeft())
}

// What is dropped or closed is execx's to reap.
func TestOrphans(t *testing.T) {
	proctest.Slow(t)
	require.NoError(t, execx.Command("true").Start())
	closed := execx.Command("true")
	require.NoError(t, closed.Start())
	require.NoError(t, closed.Close())
	assert.Empty(t, verify())
	assert.Zero(t, execx.Orphans())
}

func TestOrphanThatLivesOn(t *testing.T) {
	c := startSleep(t)
	require.NoError(t, c.Close())
	assert.Contains(t, verifyLeft(), fmt.Sprintf("pid %d,", c.Process.Pid))
	require.NoError(t, c.Kill())
	require.NoError(t, execx.DrainOrphans(t.Context()))
}

// A child that is about to end is given the time to.
func TestEnding(t *testing.T) {
	c := execx.Command("sleep", "0.1")
	require.NoError(t, c.Start())
	result := c.WaitChan(t.Context())
	assert.Empty(t, verify())
	proctest.Receive(t, result)
}

func TestIgnore(t *testing.T) {
	c := startSleep(t)
	current := execxtest.IgnoreCurrent()
	assert.Empty(t, verify(current))
	assert.Empty(t, verify(execxtest.IgnorePid(c.Process.Pid)))
	assert.Empty(t, verify(execxtest.IgnoreCommand("sleep")))
	assert.NotEmpty(t, verifyLeft(execxtest.IgnorePid(c.Process.Pid+1), execxtest.IgnoreCommand("slee")))

	other := startSleep(t)
	assert.Equal(t, []string{fmt.Sprint("pid ", other.Process.Pid)}, regexp.MustCompile(`pid \d+`).FindAllString(verifyLeft(current), -1))
}

// The kernel keeps the beginning of a name only.
func TestIgnoreLongName(t *testing.T) {
	path := t.TempDir() + "/a-name-of-more-than-15-bytes"
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	data, err := os.ReadFile(sleep)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o755))
	c := execx.Command(path, "1000")
	if err := c.Start(); err != nil {
		t.Skip(err) // the file system may not allow it
	}
	t.Cleanup(func() { c.Kill(); c.Wait() })
	assert.Empty(t, verify(execxtest.IgnoreCommand("a-name-of-more-than-15-bytes")))
}

func TestLeak(t *testing.T) {
	if os.Getenv(leaking) == "" {
		t.Skip("leaks a child on purpose")
	}
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	kept = c
	execxtest.SetPatience(time.Millisecond)
	fmt.Println("pid", c.Process.Pid)
}

var kept *execx.Cmd // or it would be reaped

// A package whose tests have succeeded fails all the same.
func TestCheckedFails(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c := execx.Command(self, "-test.run=^TestLeak$", "-test.v")
	c.Env = append(os.Environ(), leaking+"=1")
	out, err := c.Output()
	var exitErr *execx.ExitError
	require.ErrorAs(t, err, &exitErr)
	assert.Equal(t, 1, exitErr.ExitCode())
	assert.Contains(t, string(out), "PASS: TestLeak")
	pid := regexp.MustCompile(`pid (\d+)`).FindStringSubmatch(string(out))
	require.NotNil(t, pid)
	left, err := strconv.Atoi(pid[1])
	require.NoError(t, err)
	defer func() {
		syscall.Kill(left, syscall.SIGKILL)
		syscall.Wait4(left, nil, 0, nil) // if this is the init process, the orphan is its child
	}()
	assert.Contains(t, string(exitErr.Stderr), "pid "+pid[1]+", running")
	assert.Contains(t, string(exitErr.Stderr), "execxtest_test.TestLeak")
}
