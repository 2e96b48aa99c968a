//go:build unix

package execxtest_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

// A command that is not waited for is killed at the end of its test, and so is its process group.
func TestCommandIsCleanedUp(t *testing.T) {
	var pids [2]int
	t.Run("forgotten", func(t *testing.T) {
		execxtest.VerifyNone(t)
		c := execxtest.Command(t, "sh", "-c", "trap '' TERM; sleep 1000 >&- 2>&- & echo $! $$; wait")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		_, err = fmt.Fscan(stdout, &pids[0], &pids[1])
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, syscall.Kill(pids[0], 0), "is alive until the cleanup of Command") })
	})
	for _, pid := range pids {
		proctest.Until(t, func() bool { return proctest.Ended(pid) }, "not ended")
	}
	assert.NoError(t, execxtest.Find())
}

// Shortly before the deadline of the test, a Go program prints its goroutines.
func TestCommandOfGoAtDeadline(t *testing.T) {
	proctest.Slow(t)
	switch {
	case os.Getenv(sleeping) != "":
		fmt.Println("started")
		select {}
	case proctest.Rerunning():
		execxtest.SetMinGracePeriod(proctest.Deadline)
		self, err := os.Executable()
		require.NoError(t, err)
		c := execxtest.Command(t, self, "-test.run=^TestCommandOfGoAtDeadline$", "-test.timeout=0")
		c.Env = append(os.Environ(), sleeping+"=1")
		out, err := c.CombinedOutput()
		t.Logf("%v\n%s", err, out)
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "checked", "-test.timeout=122s")
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "execxtest: the test is about to exceed the -timeout of go test: ending ")
	assert.Contains(t, stdout, "started\n")
	assert.Contains(t, stdout, "SIGQUIT: quit")
	assert.Contains(t, stdout, "execxtest_test.TestCommandOfGoAtDeadline")
	assert.Contains(t, stdout, "exit status 2")
	assert.NotContains(t, stdout, "panic: test timed out")
	assert.True(t, strings.HasSuffix(stdout, "FAIL\n"))
}

const sleeping = "EXECXTEST_SLEEP"

// Other programs are sent SIGTERM, and the process group is killed after that.
func TestCommandAtDeadline(t *testing.T) {
	proctest.Slow(t)
	if proctest.Rerunning() {
		execxtest.SetMinGracePeriod(time.Second)
		c := execxtest.Command(t, "sh", "-c", "trap 'echo term' TERM; sh -c 'trap \"\" TERM; sleep 1000; :' & while :; do wait; done")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		assert.EqualError(t, c.Wait(), "signal: killed")
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		assert.Equal(t, "term\n", line)
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "checked", "-test.timeout=4s")
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "execxtest: the test is about to exceed the -timeout of go test: ending ")
	assert.NotContains(t, stdout, "Error Trace")
	assert.NotContains(t, stdout, "panic: test timed out")
}
