package pidfd

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

func TestExited(t *testing.T) {
	p := proctest.Start(t, "sleep", "1000")
	exited, err := Exited(p)
	require.NoError(t, err)
	assert.False(t, exited, "running")

	require.NoError(t, p.Signal(unix.SIGSTOP))
	proctest.Until(t, func() bool { return proctest.State(p.Pid) == 'T' }, "not stopped")
	exited, err = Exited(p)
	require.NoError(t, err)
	assert.False(t, exited, "stopped")

	require.NoError(t, p.Kill())
	proctest.Zombie(t, p.Pid)
	exited, err = Exited(p)
	require.NoError(t, err)
	assert.True(t, exited, "ended")

	state, err := p.Wait()
	require.NoError(t, err, "Exited must not reap")
	assert.Equal(t, "signal: killed", state.String())
	exited, err = Exited(p)
	require.NoError(t, err)
	assert.True(t, exited, "reaped")
}

func TestExitedStolen(t *testing.T) {
	p := proctest.Start(t, "true")
	_, err := unix.Wait4(p.Pid, nil, 0, nil)
	require.NoError(t, err)
	exited, err := Exited(p)
	require.NoError(t, err)
	assert.True(t, exited)
}

func TestExitedReleased(t *testing.T) {
	p := proctest.Start(t, "true")
	_, err := unix.Wait4(p.Pid, nil, 0, nil)
	require.NoError(t, err)
	require.NoError(t, p.Release())
	_, err = Exited(p)
	assert.Error(t, err)
}
