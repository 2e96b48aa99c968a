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

func TestAfterExitOfSharedProcess(t *testing.T) {
	proctest.NeedsPidfd(t)
	p := proctest.Start(t, "sleep", "1000")
	_, stop := afterExit(t, p)
	_, err := Of(p).AfterExit(func() { panic("called") })
	assert.ErrorIs(t, err, unix.EEXIST)
	stop()
	ended, _ := afterExit(t, p)
	require.NoError(t, p.Kill())
	proctest.Receive(t, ended)
}

func TestAfterExitReaped(t *testing.T) {
	proctest.NeedsPidfd(t)
	for _, tt := range []struct {
		name string
		reap func(p *os.Process)
	}{
		{"os", func(p *os.Process) { p.Wait() }},
		{"wait4", func(p *os.Process) {
			unix.Wait4(p.Pid, nil, 0, nil)
		}},
		{"release", func(p *os.Process) {
			unix.Wait4(p.Pid, nil, 0, nil)
			p.Release()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := proctest.Start(t, "true")
			proctest.Zombie(t, p.Pid)
			w := &Watch{process: Of(p)}
			ended := make(chan struct{})
			w.f = func() { close(ended) }
			// The event is lost if the process is reaped before the goroutine runs that would
			// handle the event.
			proctest.Until(t, func() bool {
				byPidfd.mu.Lock()
				defer byPidfd.mu.Unlock()
				running := byPidfd.running
				byPidfd.running = true
				return !running
			}, "the goroutine of the test before has not ended")
			require.NoError(t, byPidfd.add(w))
			byPidfd.file.SetReadDeadline(time.Now().Add(PollInterval)) // as add would have
			tt.reap(p)
			go byPidfd.run()
			proctest.Receive(t, ended)
		})
	}
}
