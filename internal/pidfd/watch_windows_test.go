package pidfd

import (
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/windows"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

// start starts a process, and returns it and what ends it.
func start(t *testing.T) (p *os.Process, end func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	var c *exec.Cmd
	proctest.UntilStarted(t, func() error {
		c = exec.Command("sh", "-c", "read line; exit 5")
		c.Stdin = r
		return c.Start()
	})
	t.Cleanup(func() {
		w.Close()
		c.Process.Kill()
		c.Process.Wait()
	})
	return c.Process, func() { w.Close() }
}

func TestAfterExit(t *testing.T) {
	p, end := start(t)
	ended := make(chan struct{})
	watch, err := Of(p).AfterExit(func() { close(ended) })
	require.NoError(t, err)
	exited, err := Of(p).Exited()
	require.NoError(t, err)
	assert.False(t, exited)
	end()
	proctest.Receive(t, ended)
	exited, err = Of(p).Exited()
	require.NoError(t, err)
	assert.True(t, exited)
	watch.Stop()
	state, err := p.Wait()
	require.NoError(t, err)
	assert.Equal(t, 5, state.ExitCode())
	assert.True(t, Of(p).Released(), "os does not tell it from that")
	proctest.Until(t, func() bool {
		exited, err := Of(p).Exited()
		return exited && err == nil
	}, "its number is nobody's")
	_, err = Of(p).AfterExit(func() { panic("called") })
	assert.Error(t, err)
}

// os may wait for a process that is watched, and close its handle.
func TestAfterExitOfWaitedFor(t *testing.T) {
	p, end := start(t)
	ended := make(chan struct{})
	_, err := Of(p).AfterExit(func() { close(ended) })
	require.NoError(t, err)
	require.NoError(t, p.Release())
	end()
	proctest.Receive(t, ended)
}

// A watch that was ended is not called, and what the system says of it late does nothing.
func TestStop(t *testing.T) {
	p, end := start(t)
	watch, err := Of(p).AfterExit(func() { panic("called") })
	require.NoError(t, err)
	watch.Stop()
	watch.Stop()
	byHandle.end(watch.key)
	end()
	p.Wait()
	goleak.VerifyNone(t)
}

// Watches are ended while their processes end. Each is called once, or not at all.
func TestStopRacesWithExit(t *testing.T) {
	const n = 50
	var calls, watches atomic.Int32
	var all sync.WaitGroup
	for range n {
		p, end := start(t)
		all.Go(func() {
			for range 5 {
				watch, err := Of(p).AfterExit(func() { calls.Add(1) })
				if err != nil {
					t.Error(err)
					return
				}
				watches.Add(1)
				go end()
				watch.Stop()
			}
		})
	}
	all.Wait()
	assert.LessOrEqual(t, calls.Load(), watches.Load())
	byHandle.mu.Lock()
	defer byHandle.mu.Unlock()
	assert.Empty(t, byHandle.all)
}

// However many there are, few threads watch them, and none when they have ended.
func TestManyWatches(t *testing.T) {
	proctest.Slow(t) // the pool ends its threads when they have had nothing to do for seconds
	const n = 500
	p, end := start(t)
	before := proctest.Threads(t)
	var calls sync.WaitGroup
	calls.Add(n)
	var given []*Watch
	for range n {
		_, err := Of(p).AfterExit(calls.Done)
		require.NoError(t, err)
		watch, err := Of(p).AfterExit(func() { panic("called") })
		require.NoError(t, err)
		given = append(given, watch)
	}
	assert.LessOrEqual(t, proctest.Threads(t), before+2*n/60+5)
	for _, watch := range given {
		watch.Stop()
	}
	end()
	calls.Wait()
	p.Wait()
	goleak.VerifyNone(t)
	proctest.Until(t, func() bool { return proctest.Threads(t) <= before+5 }, "threads: were %d", before)
}

// A number is that of another process once no handle of the one before is left.
func TestReopen(t *testing.T) {
	p, _ := start(t)
	before := time.Now().Add(-time.Hour)
	own, err := Of(p).Reopen(time.Now())
	require.NoError(t, err)
	defer own.OS.Release()
	exited, err := own.Exited()
	require.NoError(t, err)
	assert.False(t, exited)
	var created windows.Filetime
	require.NoError(t, p.WithHandle(func(h uintptr) { created, err = creation(windows.Handle(h)) }))
	require.NoError(t, err)
	late, err := Of(p).Reopen(time.Unix(0, created.Nanoseconds()).Add(-16 * time.Millisecond))
	require.NoError(t, err, "the clock has not ticked")
	late.OS.Release()
	_, err = Of(p).Reopen(before)
	assert.ErrorIs(t, err, os.ErrProcessDone, "it was started later than that")
}

// A handle without the right to it is refused by the job.
func TestJobRefuses(t *testing.T) {
	p, _ := start(t)
	found, err := os.FindProcess(p.Pid)
	require.NoError(t, err)
	defer found.Release()
	_, err = NewJob(found, false, true)
	assert.ErrorIs(t, err, windows.ERROR_ACCESS_DENIED)
}

func TestJob(t *testing.T) {
	p, end := start(t)
	g, err := NewJob(p, true, false)
	require.NoError(t, err)
	assert.True(t, g.Alive())
	assert.NoError(t, g.Signal(Null, true))
	assert.ErrorIs(t, g.Signal(syscall.SIGTERM, true), syscall.Errno(syscall.EWINDOWS))
	assert.ErrorContains(t, g.Signal(os.Interrupt, true), "GenerateConsoleCtrlEvent", "the test shares no console with it")
	g.Close()
	assert.Equal(t, 1, jobsKept(), "to close it would kill")
	end()
	p.Wait()
	assert.Equal(t, os.ErrProcessDone, g.Signal(os.Kill, true))
	assert.Equal(t, 1, jobsKept())

	// The next process that ends has it looked at.
	other, endOther := start(t)
	ended := make(chan struct{})
	_, err = Of(other).AfterExit(func() { close(ended) })
	require.NoError(t, err)
	endOther()
	proctest.Receive(t, ended)
	proctest.Until(t, func() bool { return jobsKept() == 0 }, "it is kept")
}

func TestJobThatIsEmpty(t *testing.T) {
	p, _ := start(t)
	job, err := NewJob(p, true, false)
	require.NoError(t, err)
	require.NoError(t, job.Signal(os.Kill, true))
	p.Wait()
	proctest.Until(t, func() bool { return !job.Alive() }, "it is not empty")
	job.Close()
	assert.Zero(t, jobsKept())
}

// Many that live on are not all looked at each time, but each of them in the end.
func TestManyJobs(t *testing.T) {
	const n = 9
	var ends []func()
	for range n {
		p, end := start(t)
		job, err := NewJob(p, true, false)
		require.NoError(t, err)
		job.Close()
		ends = append(ends, end)
	}
	assert.Equal(t, n, jobsKept())
	for _, end := range ends {
		end()
	}
	proctest.Until(t, func() bool {
		kept.closeEmpty()
		return jobsKept() == 0
	}, "they are kept")
}

func jobsKept() int {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	return len(kept.all)
}
