package pidfd

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

func TestAfterExitDoesNotReap(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		withoutPolling(t)
		p := m.start(t, "sleep", "1000")
		p2 := m.start(t, "true")
		ended, _ := afterExit(t, p)
		ended2, _ := afterExit(t, p2)
		proctest.Receive(t, ended2)
		assert.Equal(t, byte('Z'), proctest.State(p2.Pid))
		select {
		case <-ended:
			assert.Fail(t, "called for a process that lives")
		default:
		}
		require.NoError(t, p.Kill())
		proctest.Receive(t, ended)
		state, err := p.Wait()
		require.NoError(t, err)
		assert.Equal(t, "signal: killed", state.String())
	})
}

func TestAfterExitOfStopped(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "sleep", "1000")
		ended, _ := afterExit(t, p)
		require.NoError(t, p.Signal(unix.SIGSTOP))
		proctest.Until(t, func() bool { return proctest.State(p.Pid) == 'T' }, "not stopped")
		other := m.start(t, "true")
		otherEnded, _ := afterExit(t, other) // its event is handled after the stop
		proctest.Receive(t, otherEnded)
		select {
		case <-ended:
			assert.Fail(t, "called for a process that was stopped")
		default:
		}
		require.NoError(t, p.Kill())
		proctest.Receive(t, ended)
	})
}

func TestAfterExitOfZombie(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		withoutPolling(t)
		p := m.start(t, "true")
		proctest.Zombie(t, p.Pid)
		ended, _ := afterExit(t, p)
		proctest.Receive(t, ended)
	})
}

func TestAfterExitOfReaped(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "true")
		_, err := p.Wait()
		require.NoError(t, err)
		_, err = Of(p).AfterExit(func() { panic("called") })
		assert.ErrorIs(t, err, os.ErrProcessDone)
		goleak.VerifyNone(t)
	})
}

func TestAfterExitTwice(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "true")
		first, _ := afterExit(t, p)
		proctest.Receive(t, first)
		second, _ := afterExit(t, p) // the first watch has ended, so this one is allowed
		proctest.Receive(t, second)
	})
}

// A process may end at any time while AfterExit registers it.
func TestAfterExitRacesWithExit(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		withoutPolling(t)
		for range 200 {
			p := m.start(t, "true")
			ended, _ := afterExit(t, p)
			proctest.Receive(t, ended)
		}
	})
}

// When package os closes the pidfd, the kernel sends no event.
func TestAfterExitReapedThroughProcess(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "sleep", "1000")
		require.NoError(t, p.Signal(unix.SIGSTOP))
		ended, _ := afterExit(t, p)
		require.NoError(t, p.Kill())
		p.Wait() // may happen before the event, or after it
		proctest.Receive(t, ended)
	})
}

func TestAfterExitOfNonChild(t *testing.T) {
	pid := startGrandchild(t)
	p, err := os.FindProcess(pid)
	require.NoError(t, err)
	defer p.Release()
	defer p.Kill()

	t.Run("SIGCHLD", func(t *testing.T) {
		p := &os.Process{Pid: pid}
		_, err := Of(p).Exited()
		assert.ErrorIs(t, err, os.ErrNoHandle)
		_, err = Of(p).AfterExit(func() { panic("called") })
		assert.ErrorIs(t, err, os.ErrNoHandle)
		goleak.VerifyNone(t)
	})
	t.Run("pidfd", func(t *testing.T) {
		proctest.NeedsPidfd(t)
		exited, err := Of(p).Exited()
		require.NoError(t, err)
		assert.False(t, exited)
		ended, _ := afterExit(t, p)
		require.NoError(t, p.Kill())
		proctest.Receive(t, ended)
		exited, err = Of(p).Exited()
		require.NoError(t, err)
		assert.True(t, exited)
	})
}

// startGrandchild starts a process that is not a child of this one, and whose parent exits soon
// after it is killed.
func startGrandchild(t *testing.T) (pid int) {
	t.Helper()
	c := exec.Command("sh", "-c", "sleep 1000 >/dev/null & echo $!; wait")
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	return pid
}

func TestStop(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		withoutPolling(t)
		p := m.start(t, "sleep", "1000")
		watch, err := Of(p).AfterExit(func() { panic("called") })
		require.NoError(t, err)
		other, _ := afterExit(t, m.start(t, "true")) // so that the watcher is running
		proctest.Receive(t, other)
		watch.Stop()
		watch.Stop()
		goleak.VerifyNone(t)
		require.NoError(t, p.Kill())
		proctest.Zombie(t, p.Pid)
		goleak.VerifyNone(t)
		assert.Zero(t, byPidfd.len())
		assert.Zero(t, bySignal.len())
	})
}

func TestStopRacesWithExit(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		for range 200 {
			p := m.start(t, "true")
			var calls atomic.Int32
			watch, err := Of(p).AfterExit(func() { calls.Add(1) })
			require.NoError(t, err)
			watch.Stop()
			assert.LessOrEqual(t, calls.Load(), int32(1))
		}
		goleak.VerifyNone(t)
	})
}

// A process may be released as soon as its watch is stopped.
func TestStopThenRelease(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		p := m.start(t, "sleep", "1000")
		afterExit(t, p) // so that the watcher is running
		ctx, cancel := context.WithCancel(t.Context())
		var signals sync.WaitGroup
		signals.Go(func() {
			for ctx.Err() == nil {
				unix.Kill(os.Getpid(), unix.SIGCHLD)
			}
		})
		for range 50 {
			var releases []func()
			for range 50 {
				own, err := os.FindProcess(p.Pid)
				require.NoError(t, err)
				own = m(t, own)
				watch, err := Of(own).AfterExit(func() {})
				require.NoError(t, err)
				releases = append(releases, func() {
					watch.Stop()
					own.Release()
				})
			}
			for _, release := range releases {
				release()
			}
		}
		cancel()
		signals.Wait()
	})
}

func TestManyAtOnce(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		withoutPolling(t)
		const n = 2*batch + 1
		gate, open, err := os.Pipe()
		require.NoError(t, err)
		ended := make(chan int, n)
		for i := range n {
			c := exec.Command("cat")
			c.Stdin = gate
			require.NoError(t, c.Start())
			p := m(t, c.Process)
			t.Cleanup(func() { p.Kill(); p.Wait() })
			_, err := Of(p).AfterExit(func() { ended <- i })
			require.NoError(t, err)
		}
		gate.Close()
		open.Close()
		seen := make(map[int]bool)
		for range n {
			i, _ := proctest.Receive(t, ended)
			seen[i] = true
		}
		assert.Len(t, seen, n)
		goleak.VerifyNone(t)
	})
}

// If there are more processes than one round checks, all are checked eventually.
func TestPollingIsFair(t *testing.T) {
	var q queue
	var watches [10]Watch
	for i := range watches {
		q.registerLocked(&watches[i])
	}
	for round := range 3 {
		for i := range watches {
			assert.Same(t, &watches[i], q.nextLocked(), "round %d", round)
		}
	}
}

func TestDescriptors(t *testing.T) {
	inBothModes(t, func(t *testing.T, m mode) {
		ended, _ := afterExit(t, m.start(t, "true")) // opens the epoll set
		proctest.Receive(t, ended)
		proctest.NoLeaks(t)
		p := m.start(t, "sleep", "1000")
		before := proctest.Descriptors()
		_, stop := afterExit(t, p)
		assert.Equal(t, before, proctest.Descriptors())
		stop()
	})
}
