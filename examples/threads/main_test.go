package main

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) != "" {
		main()
	}
	goleak.VerifyTestMain(proctest.Checked(m))
}

// runToEnd calls run and returns its exit status and output.
func runToEnd(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	return code, out.String(), err.String()
}

func TestTable(t *testing.T) {
	code, stdout, stderr := runToEnd(t, t.Context(), "-n", "20")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 3, stdout)
	assert.Equal(t, strings.Fields("threads resident kernel stacks killed to reaped"), strings.Fields(lines[0]))
	for i, pkg := range []string{"os/exec", "execx"} {
		assert.Equal(t, pkg, strings.Fields(lines[i+1])[0])
	}
}

// os/exec needs a thread for each child that it waits for; execx needs none.
func TestMeasure(t *testing.T) {
	if threads() == nil {
		t.Skip("needs the proc file system of Linux")
	}
	const n = 50
	osExec, err := measureInSubprocess(t.Context(), "os/exec", n)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, *osExec.Threads, n)
	ours, err := measureInSubprocess(t.Context(), "execx", n)
	require.NoError(t, err)
	assert.Less(t, *ours.Threads, n/2+runtime.GOMAXPROCS(0)) // on Windows, some threads belong to the system
	for _, m := range []*measurement{osExec, ours} {
		assert.Equal(t, proc("self/status", "VmRSS") != nil, m.Resident != nil)
		assert.Equal(t, proc("meminfo", "KernelStack") != nil, m.KernelStacks != nil, "not every kernel reports it")
		assert.Positive(t, m.Reaping)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-n", "0"}, {"-n", "-1"}, {"-n", "x"}, {"-x"}, {"1000"}} {
		code, stdout, stderr := runToEnd(t, t.Context(), args...)
		assert.Equal(t, exitUsage, code, args)
		assert.Empty(t, stdout, args)
		assert.NotEmpty(t, stderr, args)
	}
	code, _, stderr := runToEnd(t, t.Context(), "-h")
	assert.Zero(t, code)
	assert.Contains(t, stderr, "usage: threads")
}

func TestFailure(t *testing.T) {
	_, err := measureInSubprocess(t.Context(), "no/such", 1)
	assert.EqualError(t, err, roleEnv+`="no/such" is not for users to set`)

	for _, test := range []struct{ script, want string }{
		{`echo too many children >&2; exit 1`, "too many children"},
		{`echo too many threads >&2; echo goroutine 1 >&2; exit 2`, "aborted: too many threads"},
		{`kill -9 $$`, "aborted: " + proctest.Killed},
	} {
		_, err := execx.Command("sh", "-c", test.script).Output()
		assert.EqualError(t, failure(err), test.want)
	}
}

func TestInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	var measuring sync.WaitGroup
	measuring.Go(func() {
		code, stdout, stderr := runToEnd(t, ctx, "-n", "20")
		assert.Equal(t, exitFailed, code)
		assert.Empty(t, stdout)
		assert.Equal(t, "threads: os/exec: context canceled\n", stderr)
	})
	if threads() != nil { // so children can be listed, too
		proctest.Until(t, func() bool { return len(proctest.Children()) > 0 }, "the start of a process that measures")
	}
	interrupt()
	measuring.Wait()
}

// If the kernel stacks of other programs shrink meanwhile, the table shows no negative size.
func TestGrowth(t *testing.T) {
	assert.Equal(t, new(2), growth(new(3), new(5)))
	assert.Equal(t, new(0), growth(new(5), new(3)))
	assert.Nil(t, growth(nil, new(1)))
	assert.Nil(t, growth(new(1), nil))
}

func TestUnknown(t *testing.T) {
	assert.Equal(t, "n/a", count(nil))
	assert.Equal(t, "n/a", mebibytes(nil))
}
