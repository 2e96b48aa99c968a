//go:build linux || windows

package execx_test

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// If a program is killed, the processes that it has started with KillOnExit are killed, and no
// others.
func TestKillOnExit(t *testing.T) {
	if proctest.Rerunning() {
		var cmds []*execx.Cmd
		for _, mortal := range []bool{true, false} {
			c := execx.Command("sleep", "1000")
			c.KillOnExit = mortal
			require.NoError(t, c.Start())
			cmds = append(cmds, c)
			fmt.Println("pid", c.Process.Pid)
		}
		cmds[0].Wait()
		return
	}
	c := proctest.Rerun(t)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	lines := bufio.NewScanner(out)
	var pids []int
	for len(pids) < 2 && lines.Scan() {
		if number, is := strings.CutPrefix(lines.Text(), "pid "); is {
			pid, err := strconv.Atoi(number)
			require.NoError(t, err)
			t.Cleanup(func() { proctest.Kill(pid) })
			pids = append(pids, pid)
		}
	}
	require.Len(t, pids, 2)
	require.NoError(t, c.Process.Kill())
	assert.Error(t, c.Wait())
	proctest.Until(t, func() bool { return proctest.Ended(pids[0]) }, "it goes on")
	assert.False(t, proctest.Ended(pids[1]), "without KillOnExit it lives on")
}
