package execx_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
)

func TestKillOnExitAttr(t *testing.T) {
	c := execx.Command("true")
	c.KillOnExit = true
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	assert.ErrorContains(t, c.Start(), "KillOnExit")

	c = execx.Command("sleep", "1000")
	c.KillOnExit, c.ProcessGroup = true, true
	require.NoError(t, c.Start())
	defer c.Shutdown(t.Context())
	group, err := syscall.Getpgid(c.Process.Pid)
	require.NoError(t, err)
	assert.Equal(t, c.Process.Pid, group, "it leads a group, too")
	assert.Nil(t, c.SysProcAttr, "it is not written to")
}
