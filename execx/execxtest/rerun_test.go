package execxtest_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

// rerun runs the calling test again, in a process of its own with the given TestMain from mains. It
// returns the exit status and the output, from which it removes what differs between runs: times,
// directories, and PIDs, which it returns in the order of their first appearance.
func rerun(t *testing.T, main string, args ...string) (code int, stdout, stderr string, pids []int) {
	t.Helper()
	c := proctest.Rerun(t, mainOf+"="+main)
	c.Args = append(c.Args, "-test.timeout="+(proctest.Deadline+proctest.Deadline/2).String())
	c.Args = append(c.Args, args...)
	if prepare := prepares[main]; prepare != nil {
		prepare(t, c)
	}
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Start(); err != nil && prepares[main] != nil {
		t.Skip(err) // not permitted
	}
	c.Wait() // does not return while a process holds the output
	require.NotNil(t, c.ProcessState)
	stderr = errOut.String()
	known := make(map[string]string)
	stderr = regexp.MustCompile(`pid (\d+)`).ReplaceAllStringFunc(stderr, func(match string) string {
		number := strings.TrimPrefix(match, "pid ")
		if known[number] == "" {
			pid, err := strconv.Atoi(number)
			require.NoError(t, err)
			pids = append(pids, pid)
			known[number] = "P" + strconv.Itoa(len(pids))
		}
		return "pid " + known[number]
	})
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		t.Logf("%s\n%s", &out, &errOut)
		for _, pid := range pids {
			if prepares[main] == nil { // otherwise, the PIDs are those of a namespace that has ended
				proctest.Kill(pid)
			}
		}
	})
	return c.ProcessState.ExitCode(), anonymous(out.String()), anonymous(stderr), pids
}

var (
	age       = regexp.MustCompile(`\b[0-9.]+m?s\b`)
	path      = regexp.MustCompile(`\t\S*/([a-z_]+\.go):\d+`)
	goroutine = regexp.MustCompile(`(?m)^(\s+)[a-z_]+_test\.go:\d+: `)
)

func anonymous(text string) string {
	text = age.ReplaceAllString(text, "0s")
	text = path.ReplaceAllString(text, "\t.../$1:0")
	return goroutine.ReplaceAllString(text, "${1}")
}

// prepares holds functions that prepare the commands started by rerun, by the name of their
// TestMain.
var prepares = map[string]func(t *testing.T, c *exec.Cmd){}

var kept []any // keeps commands reachable

// The check fails a package whose tests succeed. A process that holds the standard output does not
// make it hang, because it is killed.
func TestLeakOfPackage(t *testing.T) {
	if proctest.Rerunning() {
		c := execx.Command("sleep", "1000")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		require.NoError(t, c.Start())
		kept = append(kept, c)
		return
	}
	t.Parallel()
	code, stdout, stderr, pids := rerun(t, "checked")
	assert.Equal(t, 1, code)
	assert.Equal(t, "=== RUN   TestLeakOfPackage\n--- PASS: TestLeakOfPackage (0s)\nPASS\n", stdout)
	assert.Equal(t, `execxtest: found child processes left behind: 1
	pid P1, running, 0s old: sleep 1000
	started in TestLeakOfPackage
	created by:
		go.execx.dev/execx/execxtest_test.TestLeakOfPackage
			.../rerun_test.go:0
Wait for a command before its test ends, or defer a Shutdown: execxtest.Command does that.
The processes found are killed now.
`, stderr)
	for _, pid := range pids {
		assert.True(t, proctest.Ended(pid))
	}
}

// What a failed test leaves behind is also reported.
func TestLeakOfFailedPackage(t *testing.T) {
	if proctest.Rerunning() {
		c := execx.Command("sleep", "1000")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		require.NoError(t, c.Start())
		kept = append(kept, c)
		t.Fail()
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "checked")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "--- FAIL: TestLeakOfFailedPackage")
	assert.Contains(t, stderr, "\tpid P1, running, 0s old: sleep 1000\n\tstarted in TestLeakOfFailedPackage\n")
}

// However VerifyNone is called, it checks after a child that ends with the context of the test has
// been killed.
func TestVerifyNone(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	execxtest.SetExitTimeout(proctest.Deadline)
	start := func(t *testing.T) *execx.Cmd {
		c := execx.CommandContext(t.Context(), "sleep", "1000")
		require.NoError(t, c.Start())
		t.Cleanup(func() { c.Wait() })
		return c
	}
	t.Run("first", func(t *testing.T) {
		execxtest.VerifyNone(t)
		start(t)
		other := execx.Command("sleep", "1000")
		require.NoError(t, other.Start())
		t.Cleanup(func() { other.Shutdown(canceled()) })
	})
	t.Run("cleanup", func(t *testing.T) {
		t.Cleanup(func() { execxtest.VerifyNone(t) })
		start(t)
		other := execx.Command("sleep", "1000")
		require.NoError(t, other.Start())
		t.Cleanup(func() { other.Shutdown(canceled()) })
	})
	t.Run("deferred", func(t *testing.T) {
		defer execxtest.VerifyNone(t)
		c := execx.CommandContext(t.Context(), "sleep", "1000")
		require.NoError(t, c.Start())
		go c.Wait()
	})
}

// A child is reported once, by the next check, which says that the child is not one of its test.
func TestReportNamesTest(t *testing.T) {
	needsList(t)
	if proctest.Rerunning() {
		t.Run("Guilty", func(t *testing.T) {
			kept = append(kept, startKept(t), startKeptByExec(t))
		})
		t.Run("Innocent", func(t *testing.T) {
			execxtest.VerifyNone(t)
			proctest.PassTick(t)
		})
		t.Run("Checked", func(t *testing.T) {
			execxtest.VerifyNone(t)
			kept = append(kept, startKeptByExec(t))
			proctest.PassTick(t)
		})
		t.Run("Later", func(t *testing.T) { execxtest.VerifyNone(t) })
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "checked")
	assert.Equal(t, 1, code)
	stdout = regexp.MustCompile(`pid \d+`).ReplaceAllString(stdout, "pid P")
	stdout = strings.ReplaceAll(stdout, ": sleep 1001\n", ": sleep\n") // on Windows, only the program is known
	assert.Contains(t, stdout, "    --- PASS: TestReportNamesTest/Guilty (0s)\n")
	assert.Contains(t, stdout, "    --- FAIL: TestReportNamesTest/Innocent (0s)\n")
	assert.Contains(t, stdout, "    --- FAIL: TestReportNamesTest/Checked (0s)\n")
	assert.Contains(t, stdout, "    --- PASS: TestReportNamesTest/Later (0s)\n")
	assert.Equal(t, 2, strings.Count(stdout, "found child processes left behind"))
	assert.Contains(t, stdout, "pid P, running, 0s old: sleep 1000\n        \tstarted in TestReportNamesTest\n")
	assert.Contains(t, stdout, "pid P, running, 0s old: sleep\n"+
		"        \tstarted in an unknown test, 0s after the first one began, before VerifyNone was called in TestReportNamesTest/Innocent\n")
	assert.Contains(t, stdout, "pid P, running, 0s old: sleep\n        \tstarted while TestReportNamesTest/Checked ran\n")
	assert.Empty(t, stderr, "it was reported")
}

func startKept(t *testing.T) *execx.Cmd {
	c := execx.Command("sleep", "1000")
	require.NoError(t, c.Start())
	return c
}

func startKeptByExec(t *testing.T) *exec.Cmd {
	proctest.PassTick(t)
	c := exec.Command("sleep", "1001")
	require.NoError(t, c.Start())
	proctest.PassTick(t)
	return c
}
