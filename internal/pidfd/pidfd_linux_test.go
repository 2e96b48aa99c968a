package pidfd

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

func TestExited(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "sleep", "1000")
		exited, err := Of(p).Exited()
		require.NoError(t, err)
		assert.False(t, exited, "running")

		require.NoError(t, p.Signal(unix.SIGSTOP))
		proctest.Until(t, func() bool { return proctest.State(p.Pid) == 'T' }, "not stopped")
		exited, err = Of(p).Exited()
		require.NoError(t, err)
		assert.False(t, exited, "stopped")

		require.NoError(t, p.Kill())
		proctest.Zombie(t, p.Pid)
		exited, err = Of(p).Exited()
		require.NoError(t, err)
		assert.True(t, exited, "ended")

		state, err := p.Wait()
		require.NoError(t, err, "Exited must not reap")
		assert.Equal(t, "signal: killed", state.String())
		exited, err = Of(p).Exited()
		require.NoError(t, err)
		assert.True(t, exited, "reaped")
	})
}

func TestExitedStolen(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "true")
		_, err := unix.Wait4(p.Pid, nil, 0, nil)
		require.NoError(t, err)
		exited, err := Of(p).Exited()
		require.NoError(t, err)
		assert.True(t, exited)
	})
}

func TestExitedReleased(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "true")
		_, err := unix.Wait4(p.Pid, nil, 0, nil)
		require.NoError(t, err)
		require.NoError(t, p.Release())
		_, err = Of(p).Exited()
		assert.Error(t, err)
	})
}

func TestExitedNever(t *testing.T) {
	_, err := Of(new(os.Process)).Exited()
	assert.ErrorIs(t, err, os.ErrNoHandle)
	_, err = Of(new(os.Process)).AfterExit(func() { panic("called") })
	assert.ErrorIs(t, err, os.ErrNoHandle)
}

// After a child is reaped, its PID may be reused. The kernel does not do so on demand, so the test
// changes the PID in the os.Process.
func TestExitedAfterPIDReuse(t *testing.T) {
	p := proctest.WithoutPidfd(t, proctest.Start(t, "true"))
	_, err := p.Wait()
	require.NoError(t, err)
	pid := p.Pid
	defer func() { p.Pid = pid }()
	p.Pid = proctest.Start(t, "sleep", "1000").Pid
	exited, err := Of(p).Exited()
	require.NoError(t, err)
	assert.True(t, exited)
	_, err = Of(p).AfterExit(func() { panic("called") })
	assert.ErrorIs(t, err, os.ErrProcessDone)
}
