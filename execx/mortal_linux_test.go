package execx_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"go.execx.dev/execx"
)

func TestKillOnExitAttr(t *testing.T) {
	c := execx.Command("true")
	c.KillOnExit = true
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	assert.ErrorContains(t, c.Start(), "KillOnExit")

	c = execx.Command("sh", "-c", "[ $(ps -o pgid= -p $$) = $$ ]")
	c.KillOnExit, c.ProcessGroup = true, true
	assert.NoError(t, c.Run(), "it leads a group, too")
	assert.Nil(t, c.SysProcAttr, "it is not written to")
}
