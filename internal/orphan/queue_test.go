//go:build unix

package orphan

import (
	"context"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

// An orphan is a process in a queue.
type orphan struct {
	*os.Process
	reaps, waits atomic.Int32 // calls of the two functions
	err          error        // of the wait for the process, once it has left the queue
}

// push starts a process, and adds it to the queue.
func push(t *testing.T, q *Queue, name string, arg ...string) *orphan {
	t.Helper()
	o := &orphan{Process: proctest.Start(t, name, arg...)}
	o.push(q)
	return o
}

func (o *orphan) push(q *Queue) {
	q.Push(o.Process,
		func() { o.reaps.Add(1); _, o.err = o.Wait() },
		func() { o.waits.Add(1); _, o.err = o.Wait() })
}

// once asserts that the process has been waited for, once.
func (o *orphan) once(t *testing.T) {
	t.Helper()
	assert.EqualValues(t, 1, o.reaps.Load()+o.waits.Load())
	assert.NoError(t, o.err)
	assert.Zero(t, proctest.State(o.Pid))
}

func drain(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proctest.Deadline)
	defer cancel()
	require.NoError(t, q.Drain(ctx))
	require.Zero(t, q.Len())
}

// needsPidfd skips the test where an orphan takes a goroutine.
func needsPidfd(t *testing.T) {
	t.Helper()
	if _, err := pidfd.Exited(proctest.Start(t, "true")); err != nil {
		t.Skip("needs pidfds")
	}
}

func TestEndedOrphansAreReapedOnceEach(t *testing.T) {
	proctest.NoLeaks(t)
	var q Queue
	var orphans []*orphan
	for range 20 {
		orphans = append(orphans, push(t, &q, "true"))
	}
	drain(t, &q)
	for _, o := range orphans {
		o.once(t)
	}
}

func TestOrphanThatEndedBeforePushIsReaped(t *testing.T) {
	proctest.NoLeaks(t)
	var q Queue
	o := &orphan{Process: proctest.Start(t, "true")}
	proctest.Zombie(t, o.Pid)
	o.push(&q)
	drain(t, &q)
	o.once(t)
}

func TestRunningOrphanStays(t *testing.T) {
	needsPidfd(t)
	proctest.NoLeaks(t)
	var q Queue
	running := push(t, &q, "sleep", "1000")
	ended := push(t, &q, "true")
	proctest.Until(t, func() bool { return q.Len() == 1 }, "nobody left")
	ended.once(t)
	assert.Zero(t, running.reaps.Load()+running.waits.Load(), "asked before its end")

	require.NoError(t, running.Kill())
	drain(t, &q)
	running.once(t)
}

// An orphan that cannot be reaped, because somebody else has, is dropped and not
// retried for ever.
func TestOrphanThatCannotBeReapedIsDropped(t *testing.T) {
	for name, steal := range map[string]func(p *os.Process){
		"by way of the Process": func(p *os.Process) { p.Wait() },
		"by its number":         func(p *os.Process) { syscall.Wait4(p.Pid, nil, 0, nil) },
	} {
		t.Run("before Push, "+name, func(t *testing.T) {
			proctest.NoLeaks(t)
			var q Queue
			o := &orphan{Process: proctest.Start(t, "true")}
			steal(o.Process)
			o.push(&q)
			drain(t, &q)
			assert.EqualValues(t, 1, o.reaps.Load()+o.waits.Load())
			assert.Error(t, o.err)
		})
		t.Run("after Push, "+name, func(t *testing.T) {
			proctest.NoLeaks(t)
			var q Queue
			o := push(t, &q, "sleep", "1000")
			go o.Kill()
			steal(o.Process)
			drain(t, &q)
			assert.EqualValues(t, 1, o.reaps.Load()+o.waits.Load())
		})
	}
}

func TestEmptyQueueCostsNothing(t *testing.T) {
	proctest.NoLeaks(t)
	goroutines, descriptors := runtime.NumGoroutine(), proctest.Descriptors()
	var q Queue
	assert.Zero(t, q.Len())
	assert.NoError(t, q.Drain(t.Context()))
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	assert.LessOrEqual(t, proctest.Descriptors(), descriptors)
}

func TestOrphanCostsNoGoroutine(t *testing.T) {
	needsPidfd(t)
	proctest.NoLeaks(t)
	var q Queue
	first := push(t, &q, "sleep", "1000") // all share the goroutine that it takes
	goroutines := runtime.NumGoroutine()
	orphans := []*orphan{first}
	for range 20 {
		orphans = append(orphans, push(t, &q, "sleep", "1000"))
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	assert.Equal(t, 21, q.Len())
	for _, o := range orphans {
		require.NoError(t, o.Kill())
	}
	drain(t, &q)
}

func TestOrphanThatCannotBeWatchedIsWaitedFor(t *testing.T) {
	if !pidfd.Supported() {
		t.Skip("any number of watches can share a Process that has no pidfd")
	}
	proctest.NoLeaks(t)
	var q Queue
	o := &orphan{Process: proctest.Start(t, "sleep", "1000")}
	stop, err := pidfd.AfterExit(o.Process, func() {}) // no two can share one Process
	if err == nil {
		defer stop()
	}
	o.push(&q)
	assert.Equal(t, 1, q.Len())
	require.NoError(t, o.Kill())
	drain(t, &q)
	o.once(t)
	assert.EqualValues(t, 1, o.waits.Load())
}

func TestAwait(t *testing.T) {
	proctest.NoLeaks(t)
	var q Queue
	ended := make(chan struct{})
	q.Await(func() { <-ended })
	assert.Equal(t, 1, q.Len())
	close(ended)
	drain(t, &q)
}

func TestDrain(t *testing.T) {
	proctest.NoLeaks(t)
	var q Queue
	o := push(t, &q, "sleep", "1000")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, q.Drain(canceled), context.Canceled)
	assert.Equal(t, 1, q.Len(), "Drain makes nothing end")

	results := make(chan error, 10)
	for range cap(results) {
		go func() { results <- q.Drain(t.Context()) }()
	}
	require.NoError(t, o.Kill())
	for range cap(results) {
		err, _ := proctest.Receive(t, results)
		assert.NoError(t, err)
	}
	o.once(t)
	assert.NoError(t, q.Drain(canceled), "empty is better than a context that is done")
}

func TestQueueCanBeDrainedAgain(t *testing.T) {
	proctest.NoLeaks(t)
	var q Queue
	for range 3 {
		o := push(t, &q, "true")
		drain(t, &q)
		o.once(t)
	}
}
