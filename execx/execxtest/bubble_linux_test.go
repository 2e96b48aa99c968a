package execxtest_test

import (
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

// A bubble has its own time, but processes run in real time.
func TestBubble(t *testing.T) {
	if proctest.Rerunning() {
		synctest.Test(t, func(t *testing.T) {
			execxtest.VerifyNone(t)
			require.NoError(t, execx.Command("true").Run())
		})
		synctest.Test(t, func(t *testing.T) {
			execxtest.SetExitTimeout(proctest.Deadline)
			execxtest.VerifyNone(t)
			c := exec.Command("sleep", "0.2")
			require.NoError(t, c.Start())
			t.Cleanup(func() { time.AfterFunc(0, func() { c.Wait() }) })
		})
		synctest.Test(t, func(t *testing.T) {
			execxtest.SetDrainTimeout(0) // the command is dropped, and reaped later, outside
			execxtest.VerifyNone(t)
			require.NoError(t, execx.Command("true").Start())
		})
		proctest.Collect(t, func() bool { return execx.Orphans() == 0 }, "not reaped")
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

// The deadline of a test is not in the time of a bubble. The command is killed in the bubble.
func TestCommandInBubble(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	var c *execx.Cmd
	synctest.Test(t, func(t *testing.T) {
		execxtest.VerifyNone(t)
		c = execxtest.Command(t, "sleep", "1000")
		require.NoError(t, c.Start())
		time.Sleep(100 * 365 * 24 * time.Hour)
		done, _ := c.TryWait()
		assert.False(t, done)
	})
	assert.EqualError(t, c.Wait(), "signal: killed")
}

// The checks don't keep the time of a bubble running.
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
