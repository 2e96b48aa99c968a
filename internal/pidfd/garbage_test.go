package pidfd

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func TestAfterGarbage(t *testing.T) {
	proctest.NoLeaks(t)
	garbage := make(chan Process, 1)
	pid := func() int {
		c := exec.Command("true")
		require.NoError(t, c.Start())
		_, err := Started(c.Process).AfterGarbage(time.Now(), func(own Process) { garbage <- own })
		require.NoError(t, err)
		return c.Process.Pid
	}()
	proctest.Collect(t, func() bool { return len(garbage) > 0 }, "not garbage")
	own := <-garbage
	assert.Equal(t, pid, own.Pid)
	state, err := own.Wait(time.Now())
	require.NoError(t, err)
	assert.Equal(t, pid, state.Pid())
}
