package execx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// A command that is dropped is killed and reaped on all systems.
func TestDroppedIsKilled(t *testing.T) {
	proctest.NoLeaks(t)
	before := execx.ReadStats()
	func() {
		c := execx.Command("sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Start())
	}()
	killed := func() bool {
		now := execx.ReadStats()
		return now.Leaked > before.Leaked && now.Killed > before.Killed
	}
	proctest.Collect(t, killed, "not killed")
	require.NoError(t, execx.DrainOrphans(t.Context()))
}
