package execx

import (
	"os/signal"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

func TestWithoutPidfdCostsNoThread(t *testing.T) {
	proctest.NoLeaks(t)
	var cmds []*Cmd
	for range 100 {
		cmds = append(cmds, withoutPidfd(t, "sleep", "1000"))
	}
	var results []<-chan error
	before := proctest.Threads(t) // includes threads left from other tests
	for _, c := range cmds {
		results = append(results, c.WaitChan(t.Context()))
	}
	assert.LessOrEqual(t, proctest.Threads(t), before+10, "threads")
	assert.Less(t, runtime.NumGoroutine(), len(cmds), "goroutines")
	for _, c := range cmds {
		require.NoError(t, c.Kill())
	}
	for _, result := range results {
		err, _ := proctest.Receive(t, result)
		assert.EqualError(t, err, "signal: killed")
	}
}

// If a program ignores SIGCHLD, the kernel reaps its children. Their status is lost, but no wait
// blocks forever.
func TestWithoutPidfdIgnoringSIGCHLD(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before bool
	}{{"before", true}, {"after", false}} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			if tt.before {
				proctest.IgnoreSIGCHLD(t)
			}
			c := withoutPidfd(t, "sleep", "1000")
			results := []<-chan error{c.WaitChan(t.Context()), c.WaitChan(t.Context())}
			if !tt.before {
				proctest.IgnoreSIGCHLD(t)
			}
			require.NoError(t, c.Kill())
			for _, result := range results {
				err, _ := proctest.Receive(t, result)
				assert.ErrorIs(t, err, syscall.ECHILD)
			}
			assert.ErrorIs(t, c.Wait(), syscall.ECHILD)
			assert.True(t, signal.Ignored(syscall.SIGCHLD), "still")
		})
	}
}

// A process that can't be watched costs a thread, but is still waited for.
func TestWatchFails(t *testing.T) {
	proctest.NoLeaks(t)
	c := Command("sleep", "1000")
	require.NoError(t, c.Start())
	watch, err := pidfd.Of(c.Process).AfterExit(func() {}) // now the epoll set contains the pidfd
	if err != nil {
		t.Skip(err)
	}
	result := c.WaitChan(t.Context())
	watch.Stop()
	require.NoError(t, c.Kill())
	err, _ = proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
}
