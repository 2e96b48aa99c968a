package pidfd

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// An incomplete list is an error.
func TestListOfDescriptors(t *testing.T) {
	proctest.NoLeaks(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	fds, err := descriptors(fdDir)
	require.NoError(t, err)
	assert.Contains(t, fds, int(r.Fd()))
	_, err = descriptors(t.TempDir())
	assert.ErrorContains(t, err, "does not list")
}

func TestZombiePidfds(t *testing.T) {
	proctest.NeedsPidfd(t)
	proctest.NoLeaks(t)
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	pidfds, err := ZombiePidfds()
	require.NoError(t, err)
	require.Len(t, pidfds[p.Pid], 1)
	assert.Equal(t, p.Pid, ZombieOf(pidfds[p.Pid][0]))
	assert.Zero(t, ZombieOf(0))
}

// The pidfd of a traced zombie is readable, although only the tracer can wait for it.
func TestTracedZombie(t *testing.T) {
	proctest.Slow(t)
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "sleep", "1000")
		release := proctest.Trace(t, p.Pid)
		ended, _ := afterExit(t, p)
		require.NoError(t, p.Kill())
		proctest.Zombie(t, p.Pid)
		exited, err := Of(p).Exited()
		require.NoError(t, err)
		assert.False(t, exited)

		// Meanwhile other exits are reported, and no CPU time is wasted.
		before := cpuTime(t)
		other, _ := afterExit(t, m.start(t, "sleep", "0.5"))
		proctest.Receive(t, other)
		assert.Less(t, cpuTime(t)-before, int64(25e7), "ns of CPU in 0.5 s")
		select {
		case <-ended:
			assert.Fail(t, "called before the tracer let go")
		default:
		}

		release()
		proctest.Receive(t, ended)
	})
}

// A process whose first thread has ended looks like a zombie to all but its parent.
func TestLeaderlessProcess(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p, end := proctest.Leaderless(t, nil)
		p = m(t, p)
		ended, _ := afterExit(t, p)
		exited, err := Of(p).Exited()
		require.NoError(t, err)
		assert.False(t, exited)
		other, _ := afterExit(t, m.start(t, "true"))
		proctest.Receive(t, other)
		select {
		case <-ended:
			assert.Fail(t, "called while a thread runs")
		default:
		}
		end()
		proctest.Receive(t, ended)
		state, err := p.Wait()
		require.NoError(t, err)
		assert.Equal(t, 7, state.ExitCode())
	})
}

func cpuTime(t *testing.T) int64 {
	var usage unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}
