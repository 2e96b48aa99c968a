package pidfd

import (
	"os"
	"testing"
	"time"

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

// Without its pidfd, a process is identified by its PID and the time at which it was started.
func TestByPID(t *testing.T) {
	proctest.NeedsPidfd(t)
	began := time.Now()
	p := Started(proctest.Start(t, "sleep", "1000"))
	own, err := p.Reopen(began)
	require.NoError(t, err)
	own = own.ByPID()
	assert.Zero(t, own.Pidfds())
	unreaped, err := own.Unreaped(began)
	require.NoError(t, err)
	assert.True(t, unreaped)
	assert.True(t, own.Pinned(began))

	other := own
	other.ticks++ // as if the PID had been reused
	unreaped, err = other.Unreaped(time.Now())
	require.NoError(t, err)
	assert.False(t, unreaped)
	assert.False(t, other.Pinned(time.Now()))
	_, err = other.Wait(time.Now())
	assert.ErrorIs(t, err, unix.ECHILD)

	require.NoError(t, own.Signal(unix.SIGKILL))
	proctest.Zombie(t, own.Pid)
	exited, err := own.Exited()
	require.NoError(t, err)
	assert.True(t, exited)
	state, err := own.Wait(began)
	require.NoError(t, err)
	assert.Equal(t, "signal: killed", state.String())
	unreaped, err = own.Unreaped(began)
	require.NoError(t, err)
	assert.False(t, unreaped)
	assert.Equal(t, own, own.ByPID(), "after it was reaped")
}
