package reaper

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// mainThreadOf returns a function that calls another on the main thread, which the test has to
// itself until it ends.
func mainThreadOf(t *testing.T) (call func(f func())) {
	t.Helper()
	calls, returned := make(chan func()), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ran := false; !ran; {
			ran, _ = onMainThread(func() {
				for f := range calls {
					f()
					returned <- struct{}{}
				}
			})
		}
	}()
	t.Cleanup(func() {
		close(calls)
		<-ended
	})
	call = func(f func()) {
		calls <- f
		<-returned
	}
	call(func() {}) // returns once the test has the main thread
	return call
}

func wait(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		_, err := syscall.Wait4(pid, nil, 0, nil)
		assert.NoError(t, err, "wait for %d", pid)
	}
}

func TestAdopted(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NoLeaks(t)
	proctest.BecomeSubreaper(t)
	call := mainThreadOf(t)
	var m mainThread
	adopted := func(pids ...int) (certain []int) {
		var zombies []process
		for _, pid := range pids {
			proctest.Zombie(t, pid)
			z, ok := identify(pid)
			require.True(t, ok)
			zombies = append(zombies, z)
		}
		call(func() {
			for z := range m.adopted(zombies) {
				certain = append(certain, z.pid)
			}
		})
		return certain
	}

	early := proctest.Orphan(t, "exit")
	assert.Empty(t, adopted(early), "may have been started by the main thread")
	proctest.PassTick(t)
	late := proctest.Orphan(t, "exit")
	ours := spawn(t)
	assert.Equal(t, []int{late}, adopted(early, ours, late))

	// When a thread ends, its children become those of the main thread.
	fork, end := make(chan int), make(chan bool)
	go func() {
		runtime.LockOSThread() // and never unlocks
		fork <- unix.Gettid()
		<-fork
		fork <- spawn(t)
		<-end
	}()
	tid := <-fork
	assert.Equal(t, []int{late}, adopted(late))
	fork <- 0
	left := <-fork
	assert.Equal(t, []int{late}, adopted(left, late))
	close(end)
	proctest.Until(t, func() bool { return !threads()[tid] }, "thread %d lives", tid)
	assert.Empty(t, adopted(left, late))
	proctest.PassTick(t)
	last := proctest.Orphan(t, "exit")
	assert.Equal(t, []int{last}, adopted(left, late, last))
	wait(t, early, late, ours, left, last)
}

// Orphans are reaped at once, and no other child is.
func TestReapAtOnce(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NeedsPidfd(t)
	proctest.NoLeaks(t)
	proctest.BecomeSubreaper(t)
	grace, graceByPID = 1000*time.Hour, 1000*time.Hour
	call := mainThreadOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go call(func() { done <- Reap(ctx, never) })
	// Orphans that started in the same tick as an earlier process are not reaped at once.
	proctest.Until(t, func() bool {
		pid := proctest.Orphan(t, "exit")
		proctest.PassTick(t)
		return proctest.State(pid) == 0
	}, "nothing is reaped")
	ours := spawn(t)
	theirs := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, theirs.Start())
	for range 10 {
		pid := proctest.Orphan(t, "exit")
		proctest.Until(t, func() bool { return proctest.State(pid) == 0 }, "not reaped")
	}
	wait(t, ours)
	assert.EqualError(t, theirs.Wait(), "exit status 3")
	cancel()
	err, _ := proctest.Receive(t, done)
	assert.ErrorIs(t, err, context.Canceled)
	for _, pid := range proctest.Children() {
		wait(t, pid)
	}
}

// A zombie among the children of another thread does not cause an immediate scan.
func TestAwait(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NoLeaks(t)
	proctest.BecomeSubreaper(t)
	call := mainThreadOf(t)
	r := reaper{main: &mainThread{}, signals: make(chan os.Signal)}
	raise := func() {
		select {
		case r.signals <- unix.SIGCHLD:
		case <-time.After(proctest.Deadline):
			require.Fail(t, "it does not wait any more")
		}
	}
	await := func() <-chan bool {
		returned := make(chan bool)
		go func() {
			call(func() { r.await(t.Context(), 0, 2*time.Hour) })
			close(returned)
		}()
		return returned
	}
	scanInterval = time.Hour
	ours := zombie(t)
	returned := await()
	for range 10 {
		raise()
	}
	pid := proctest.Orphan(t, "exit")
	proctest.Zombie(t, pid)
	raise()
	proctest.Receive(t, returned)
	wait(t, pid)

	// But it may be an orphan if no code waits for it by the time of the next scan.
	scanInterval = time.Millisecond
	returned = await()
	raise()
	proctest.Receive(t, returned)
	wait(t, ours)
}

// onOtherThread calls f locked to a thread that is not the main thread.
func onOtherThread(f func()) {
	runtime.LockOSThread()
	if !isMainThread() {
		defer runtime.UnlockOSThread()
		f()
		return
	}
	locked, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		locked <- true
		f()
	}()
	<-locked
	runtime.UnlockOSThread()
	<-done
}

// Reap takes over the main thread if it is idle.
func TestOnMainThread(t *testing.T) {
	proctest.NoLeaks(t)
	self, err := os.ReadFile("/proc/thread-self/syscall")
	if number, _, _ := strings.Cut(string(self), " "); number != strconv.Itoa(unix.SYS_READ) {
		t.Skipf("needs to see the system calls of a thread, which are others in an emulator: %q, %v", self, err)
	}
	onOtherThread(func() {
		proctest.Until(t, func() bool {
			ran, _ := onMainThread(func() {
				assert.Equal(t, os.Getpid(), unix.Gettid())
				other := make(chan bool)
				go func() {
					ran, _ := onMainThread(func() {})
					other <- ran
				}()
				assert.False(t, <-other, "it is not idle")
			})
			return ran
		}, "not had")
	})
}
