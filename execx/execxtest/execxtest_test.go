package execxtest_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Play()
	if play, ok := mains[os.Getenv(mainOf)]; ok {
		play(m)
		return
	}
	execxtest.SetExitTimeout(100 * time.Millisecond)
	goleak.VerifyTestMain(execxtest.Checked(proctest.WithPrograms(m)))
}

// mainOf is the environment variable that selects, from mains, the TestMain of a process of this
// test binary.
const mainOf = "EXECXTEST_MAIN"

var mains = map[string]func(m *testing.M){
	"checked":  func(m *testing.M) { execxtest.VerifyTestMain(m) },
	"proctest": func(m *testing.M) { os.Exit(proctest.Checked(m).Run()) },
	"plain":    func(m *testing.M) { os.Exit(m.Run()) },
}

// verdict returns the failures that VerifyNone reports.
type verdict []string

func (v *verdict) Error(args ...any) { *v = append(*v, fmt.Sprint(args...)) }
func (v *verdict) Helper()           {}

func verify(opts ...execxtest.Option) string {
	var v verdict
	execxtest.VerifyNone(&v, opts...)
	return strings.Join(v, "\n")
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
	got := verify()
	assert.Regexp(t, fmt.Sprintf(`^execxtest: found child processes left behind: 1
	pid %d, running, \S+ old: sleep 1000
	started in TestRunning
	created by:
		go\.execx\.dev/execx/execxtest_test\.startSleep
			.*execxtest_test\.go:\d+
		go\.execx\.dev/execx/execxtest_test\.TestRunning
			.*execxtest_test\.go:\d+
Wait for a command before its test ends, .*$`, c.Process.Pid), got)
}

// needsList skips the test if the system lists no children.
func needsList(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("needs the proc file system of Linux")
	}
}

// Children are found however they were started.
func TestRunningOfExec(t *testing.T) {
	needsList(t)
	p := proctest.Start(t, "sleep", "1000")
	assert.Regexp(t, fmt.Sprintf(`pid %d, running, \S+ old: sleep( 1000)?
	started .*
Wait for a command`, p.Pid), verify())
}

// Commands that are dropped or closed are reaped by execx, and not reported.
func TestOrphans(t *testing.T) {
	proctest.Slow(t)
	t.Cleanup(execxtest.SetExitTimeout(proctest.Deadline))
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
	assert.Contains(t, verify(), fmt.Sprintf("pid %d,", c.Process.Pid))
	require.NoError(t, c.Kill())
	require.NoError(t, execx.DrainOrphans(t.Context()))
}

// An orphan that is ignored while it runs is not waited for.
func TestIgnoredOrphan(t *testing.T) {
	t.Cleanup(execxtest.SetDrainTimeout(time.Hour))
	c := startSleep(t)
	require.NoError(t, c.Close())
	ignored := execxtest.IgnorePid(c.Process.Pid)
	checked := make(chan string)
	go func() { checked <- verify(ignored) }()
	report, _ := proctest.Receive(t, checked)
	assert.Empty(t, report)
	require.NoError(t, c.Kill())
	require.NoError(t, execx.DrainOrphans(t.Context()))
}

// A child that is about to end is given time to end.
func TestEnding(t *testing.T) {
	t.Cleanup(execxtest.SetExitTimeout(proctest.Deadline))
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
	assert.NotEmpty(t, verify(execxtest.IgnorePid(c.Process.Pid+1), execxtest.IgnoreCommand("slee")))

	other := startSleep(t)
	got := verify(current)
	assert.Contains(t, got, fmt.Sprintf("pid %d,", other.Process.Pid))
	assert.NotContains(t, got, fmt.Sprintf("pid %d,", c.Process.Pid))
}

// Find returns a child each time, a check reports it once.
func TestReportedOnce(t *testing.T) {
	c := startSleep(t)
	want := fmt.Sprintf("pid %d,", c.Process.Pid)
	assert.ErrorContains(t, execxtest.Find(), want)
	assert.Contains(t, verify(), want)
	assert.Empty(t, verify())
	assert.ErrorContains(t, execxtest.Find(), want)
	require.Error(t, c.Shutdown(canceled()))
	assert.NoError(t, execxtest.Find())
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestKill(t *testing.T) {
	c := startSleep(t)
	assert.Contains(t, verify(execxtest.Kill(true)), "The processes found are killed now.")
	assert.EqualError(t, c.Wait(), proctest.Killed)
}

func TestTestOf(t *testing.T) {
	for stack, want := range map[string]string{
		"": "",
		"a.b/c.New\n\tfile:1\na.b/c.TestX\n\tfile:2\ntesting.tRunner\n\tTestFile:3\n": "TestX",
		"a.b/c_test.TestX.func1.2\n\tfile:1\n":                                        "TestX",
		"c.(*suite).TestMethod\n\tfile:1\nreflect.Value.Call\n\tfile:2\n":             "TestMethod",
		"c.helper\n\tf:1\nc.TestInner\n\tf:1\nc.BenchmarkOuter\n\tf:1\n":              "BenchmarkOuter",
		"a.b/c.Testify\n\tfile:1\na/TestDir/c.f\n\tfile:1\nmain.main\n\tf:1\n":        "",
	} {
		assert.Equal(t, want, execxtest.TestOf(stack), stack)
	}
}
