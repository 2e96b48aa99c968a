package reaper

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) {
	if os.Getenv(mainThreadEnds) != "" {
		go func() { os.Exit(proctest.Checked(m).Run()) }()
		endMainThread()
	}
	goleak.VerifyTestMain(proctest.Checked(m))
}

func never() map[int]int { return nil }

// spawn starts a child that exits at once and that is known only by its PID.
func spawn(t *testing.T) (pid int) {
	t.Helper()
	path, err := exec.LookPath("true")
	require.NoError(t, err)
	pid, err = syscall.ForkExec(path, []string{"true"}, nil)
	require.NoError(t, err)
	return pid
}

func zombie(t *testing.T) (pid int) {
	t.Helper()
	pid = spawn(t)
	proctest.Zombie(t, pid)
	return pid
}

// hasten shortens the grace periods and the interval for the duration of the test.
func hasten(t *testing.T) {
	t.Helper()
	g, b, l := grace, graceByPID, scanInterval
	t.Cleanup(func() { grace, graceByPID, scanInterval = g, b, l })
	grace, graceByPID, scanInterval = time.Millisecond, time.Millisecond, time.Millisecond
}

// A child that may be waited for by its PID keeps its status for the grace period.
func TestGrace(t *testing.T) {
	proctest.NoLeaks(t)
	pid := zombie(t)
	r := reaper{own: never}
	now := time.Now()
	period := graceByPID
	if pidfd.Supported() {
		period = grace
	}
	assert.True(t, r.scan(now))
	assert.True(t, r.scan(now.Add(period-1)))
	assert.Equal(t, byte('Z'), proctest.State(pid))
	assert.False(t, r.scan(now.Add(period)))
	assert.Zero(t, proctest.State(pid))
	assert.False(t, r.scan(now))
	assert.Empty(t, r.seen)
}

// The grace period of a zombie does not depend on an earlier process with the same PID.
func TestGraceAfterPIDReuse(t *testing.T) {
	proctest.NoLeaks(t)
	pid := zombie(t)
	now := time.Now()
	before := seenZombie{process{pid: pid, started: "before"}, now.Add(-time.Hour)}
	r := reaper{own: never, seen: map[int]seenZombie{pid: before}}
	assert.True(t, r.scan(now))
	assert.True(t, r.scan(now))
	assert.Equal(t, byte('Z'), proctest.State(pid))
	assert.False(t, r.scan(now.Add(time.Hour)))
}

// A zombie that the program has a pidfd of is never reaped, however long it stays.
func TestHeldZombies(t *testing.T) {
	proctest.NoLeaks(t)
	c := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, c.Start())
	proctest.Zombie(t, c.Process.Pid)
	r := reaper{own: func() map[int]int { return map[int]int{c.Process.Pid: 1} }}
	for hours := range time.Duration(3) {
		assert.True(t, r.scan(time.Now().Add(hours*time.Hour)))
	}
	assert.EqualError(t, c.Wait(), "exit status 3")
}

// A child of execx is not reaped, whatever /proc shows.
func TestOwn(t *testing.T) {
	proctest.NoLeaks(t)
	pid := zombie(t)
	own := 1
	r := reaper{own: func() map[int]int { return map[int]int{pid: own} }}
	assert.True(t, r.scan(time.Now()))
	assert.True(t, r.scan(time.Now().Add(time.Hour)))
	assert.Equal(t, byte('Z'), proctest.State(pid))
	own = 0
	assert.False(t, r.scan(time.Now().Add(time.Hour)))
}

// A process whose first thread has ended looks like a zombie, but is not one.
func TestLeaderless(t *testing.T) {
	proctest.NoLeaks(t)
	p, end := proctest.Leaderless(t, nil)
	p = proctest.WithoutPidfd(t, p)
	r := reaper{own: never}
	assert.False(t, r.scan(time.Now()))
	end()
	state, err := p.Wait()
	require.NoError(t, err)
	assert.Equal(t, 7, state.ExitCode())
}

func TestReap(t *testing.T) {
	proctest.NoLeaks(t)
	hasten(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Reap(ctx, never) }()
	for range 3 {
		pid := spawn(t)
		proctest.Until(t, func() bool { return proctest.State(pid) == 0 }, "not reaped")
	}
	cancel()
	err, _ := proctest.Receive(t, done)
	assert.ErrorIs(t, err, context.Canceled)
}

// A child that a tracer in this program has stopped is not reaped, and hides no zombie.
func TestStopped(t *testing.T) {
	proctest.NeedsPtrace(t)
	proctest.NoLeaks(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	path, err := exec.LookPath("true")
	require.NoError(t, err)
	traced, err := syscall.ForkExec(path, []string{"true"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}})
	require.NoError(t, err)
	proctest.Until(t, func() bool { return proctest.State(traced) == 't' }, "not stopped")
	pid := zombie(t)
	r := reaper{own: never}
	assert.True(t, r.scan(time.Now()))
	assert.False(t, r.scan(time.Now().Add(time.Hour)))
	assert.Zero(t, proctest.State(pid))

	var status syscall.WaitStatus
	_, err = syscall.Wait4(traced, &status, 0, nil)
	require.NoError(t, err)
	assert.True(t, status.Stopped())
	require.NoError(t, syscall.PtraceDetach(traced))
	_, err = syscall.Wait4(traced, &status, 0, nil)
	require.NoError(t, err)
	assert.True(t, status.Exited())
}
