package execxtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

// A command that is not waited for is killed at the end of its test, with everything it has
// started.
func TestCommandIsCleanedUp(t *testing.T) {
	var pids [2]int
	t.Run("forgotten", func(t *testing.T) {
		execxtest.VerifyNone(t)
		c := execxtest.Command(t, "tree", "2")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		_, err = fmt.Fscan(stdout, &pids[0], &pids[1])
		require.NoError(t, err)
		t.Cleanup(func() { assert.False(t, proctest.Ended(pids[1]), "before the cleanup of Command") })
	})
	for _, pid := range pids {
		proctest.Until(t, func() bool { return proctest.Ended(pid) }, "not ended")
	}
	assert.NoError(t, execxtest.Find())
}

// Shortly before the deadline of the test, the whole job is ended.
func TestCommandAtDeadline(t *testing.T) {
	proctest.Slow(t)
	if proctest.Rerunning() {
		execxtest.SetMinGracePeriod(time.Second)
		c := execxtest.Command(t, "tree", "2")
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		var pids [2]int
		_, err = fmt.Fscan(stdout, &pids[0], &pids[1])
		require.NoError(t, err)
		assert.EqualError(t, c.Wait(), proctest.Killed)
		for _, pid := range pids {
			proctest.Until(t, func() bool { return proctest.Ended(pid) }, "not ended")
		}
		return
	}
	t.Parallel()
	code, stdout, stderr, _ := rerun(t, "checked", "-test.timeout=10s")
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "execxtest: the test is about to exceed the -timeout of go test: ending ")
	assert.NotContains(t, stdout, "Error Trace")
	assert.NotContains(t, stdout, "panic: test timed out")
}
