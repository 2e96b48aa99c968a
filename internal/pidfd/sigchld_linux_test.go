package pidfd

import (
	"os"
	"os/signal"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// The exit is noticed without a signal, however the child is reaped.
func TestSignalsReset(t *testing.T) {
	for _, tt := range []struct {
		name string
		reap func(p *os.Process)
	}{
		{"not reaped", func(p *os.Process) {}},
		{"os", func(p *os.Process) { p.Wait() }},
		{"wait4", func(p *os.Process) { unix.Wait4(p.Pid, nil, 0, nil) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := mode(proctest.WithoutPidfd)
			p, other := m.start(t, "sleep", "1000"), m.start(t, "sleep", "1000")
			ended, _ := afterExit(t, p)
			otherEnded, _ := afterExit(t, other)
			signal.Reset(unix.SIGCHLD)
			require.NoError(t, p.Kill())
			tt.reap(p)
			proctest.Receive(t, ended)
			require.NoError(t, other.Kill())
			proctest.Receive(t, otherEnded)
		})
	}
}

// If a program ignores SIGCHLD, the kernel reaps all its children.
func TestSignalsIgnored(t *testing.T) {
	for _, tt := range []struct {
		name string
		when func(ignore func()) (before, after func())
	}{
		{"before", func(ignore func()) (before, after func()) { return ignore, func() {} }},
		{"after", func(ignore func()) (before, after func()) { return func() {}, ignore }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, after := tt.when(func() { proctest.IgnoreSIGCHLD(t) })
			p := proctest.WithoutPidfd(t, proctest.Start(t, "sleep", "1000"))
			before()
			ended, _ := afterExit(t, p)
			after()
			require.NoError(t, p.Kill())
			proctest.Receive(t, ended)
			_, err := p.Wait()
			assert.ErrorIs(t, err, unix.ECHILD)
			goleak.VerifyNone(t)
			assert.True(t, signal.Ignored(unix.SIGCHLD), "the setting of the program was changed")
		})
	}
}

func TestSubscribe(t *testing.T) {
	signals := make(chan os.Signal, 1)
	defer signal.Stop(signals)
	for range 2 {
		subscribe(signals)
		require.NoError(t, unix.Kill(os.Getpid(), unix.SIGCHLD))
		proctest.Receive(t, signals)
		signal.Reset(unix.SIGCHLD)
	}
	proctest.IgnoreSIGCHLD(t)
	subscribe(signals)
	assert.True(t, signal.Ignored(unix.SIGCHLD))
}

// The program's own subscriptions are independent of this one.
func TestSignalsShared(t *testing.T) {
	m := mode(proctest.WithoutPidfd)
	theirs := make(chan os.Signal, 1)
	signal.Notify(theirs, unix.SIGCHLD)
	defer signal.Stop(theirs)

	p := m.start(t, "sleep", "1000")
	ended, _ := afterExit(t, p)
	require.NoError(t, p.Kill())
	proctest.Receive(t, ended)
	proctest.Receive(t, theirs)
	goleak.VerifyNone(t)
	select {
	case <-bySignal.signals:
	default:
	}
	for range 2 { // once the second has arrived, the first has been delivered everywhere
		require.NoError(t, unix.Kill(os.Getpid(), unix.SIGCHLD))
		proctest.Receive(t, theirs)
	}
	assert.Empty(t, bySignal.signals, "subscribed while nothing is watched")

	p = m.start(t, "sleep", "1000")
	ended, _ = afterExit(t, p)
	signal.Stop(theirs)
	require.NoError(t, p.Kill())
	proctest.Receive(t, ended)
}
