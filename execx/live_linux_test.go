package execx_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestStatsOfLeaksAndThefts(t *testing.T) {
	if !proctest.Apart(t, nil) { // commands dropped by other tests must not count
		return
	}
	proctest.NoLeaks(t)
	before := execx.ReadStats()
	require.NoError(t, execx.Command("true").Start())
	proctest.Collect(t, proctest.NoChildren, "not reaped")

	stolen := execx.Command("true")
	require.NoError(t, stolen.Start())
	_, err := unix.Wait4(stolen.Process.Pid, nil, 0, nil)
	require.NoError(t, err)
	stolen.Wait()

	after := execx.ReadStats()
	assert.EqualValues(t, 1, after.Leaked-before.Leaked)
	assert.EqualValues(t, 1, after.Orphaned-before.Orphaned)
	assert.EqualValues(t, 1, after.Stolen-before.Stolen)
	assert.EqualValues(t, 2, after.Reaped-before.Reaped)
	assert.Empty(t, execx.Live())
}
