package pidfd

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) {
	PollInterval = 20 * time.Millisecond
	goleak.VerifyTestMain(proctest.Checked(m))
}

// A mode converts processes to one kind: with a pidfd, or without.
type mode func(t testing.TB, p *os.Process) *os.Process

// start starts a process as proctest.Start does.
func (m mode) start(t testing.TB, name string, arg ...string) *os.Process {
	t.Helper()
	return m(t, proctest.Start(t, name, arg...))
}

// inBothModes runs f with each kind of watcher.
func inBothModes(t *testing.T, f func(t *testing.T, m mode)) {
	t.Run("pidfd", func(t *testing.T) {
		proctest.NeedsPidfd(t)
		f(t, func(_ testing.TB, p *os.Process) *os.Process { return p })
	})
	t.Run("SIGCHLD", func(t *testing.T) { f(t, proctest.WithoutPidfd) })
}

// afterExit watches p and returns a channel that is closed when p has ended.
func afterExit(t *testing.T, p *os.Process) (ended <-chan struct{}, stop func()) {
	t.Helper()
	ch := make(chan struct{})
	watch, err := Of(p).AfterExit(func() { close(ch) })
	require.NoError(t, err)
	t.Cleanup(watch.Stop)
	return ch, watch.Stop
}

// withoutPolling makes the test rely on events alone, without the periodic checks.
func withoutPolling(t *testing.T) {
	t.Helper()
	set := func(d time.Duration) {
		goleak.VerifyNone(t)
		for _, q := range []*queue{&byPidfd.queue, &bySignal.queue} {
			q.mu.Lock()
			defer q.mu.Unlock()
		}
		PollInterval = d
	}
	before := PollInterval
	t.Cleanup(func() { set(before) })
	set(time.Hour)
}
