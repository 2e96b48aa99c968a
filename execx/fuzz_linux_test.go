package execx_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// FuzzCmd calls the methods of a command in the order given by a script, one byte per call, and
// compares the results with a model of the contract.
func FuzzCmd(f *testing.F) {
	for _, script := range []string{
		"swW", "skwk", "wstkw", "ssw", "sCwk", "Cswt", "sxwx", "sxhtw", "sckwC", "sXCwWtk",
		"scCwt", "spxw", "stkztzw", "soktw", "sfkw", "skxfCzw", "sgkw", "esxw", "ekw", "sTw", "sSkw",
		"sXrw", "sxrtW", "skgrd", "sxWr", "sCxr",
	} {
		f.Add([]byte(script))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 40 {
			script = script[:40]
		}
		newModel(t).run(script)
	})
}

// A model predicts the results of the methods of its command, a cat, which ends when its input ends
// or when it is killed.
type model struct {
	t      *testing.T
	c      *execx.Cmd
	open   func() // ends the input
	cancel context.CancelFunc

	started  bool
	ended    string // the error for the way in which the process has ended, or ""
	closed   bool
	stolen   bool  // the process was reaped by other code
	known    bool  // the result is known
	result   error // valid if known
	promises []<-chan error
}

func newModel(t *testing.T) *model {
	ctx, cancel := context.WithCancel(context.Background())
	m := &model{t: t, c: execx.CommandContext(ctx, "cat"), cancel: cancel}
	r, open := gate(t)
	m.c.Stdin, m.open = r, open
	t.Cleanup(func() {
		cancel()
		m.c.Kill()
		m.c.Wait()
	})
	return m
}

func (m *model) run(script []byte) {
	for _, call := range script {
		m.call(call)
	}
	if m.started {
		m.finish()
	}
	require.Empty(m.t, proctest.Children())
}

// finish ends the command and checks everything that the contract promises.
func (m *model) finish() {
	if m.alive() {
		require.NoError(m.t, m.c.Kill())
		m.end("signal: killed")
	}
	m.check(m.c.Wait())
	for _, promise := range m.promises {
		err, ok := proctest.Receive(m.t, promise)
		require.True(m.t, ok)
		m.check(err)
		_, ok = proctest.Receive(m.t, promise)
		require.False(m.t, ok, "two results")
	}
	require.NoError(m.t, execx.DrainOrphans(context.Background()))
}

func (m *model) call(call byte) {
	t, c := m.t, m.c
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	switch call {
	case 's':
		err := c.Start()
		require.Equal(t, m.started, err != nil, "Start: %v", err)
		if !m.started {
			m.started = true
		} else {
			require.EqualError(t, err, "exec: already started")
		}
	case 'w': // unless it would block
		if !m.started || m.closed || m.known || m.ended != "" {
			m.check(c.Wait())
		}
	case 'c':
		m.checkOr(c.WaitContext(canceled), context.Canceled)
	case 'W':
		if promise := c.WaitChan(context.Background()); m.started {
			m.promises = append(m.promises, promise)
		} else {
			m.check(<-promise)
		}
	case 'd':
		if promise := c.WaitChan(canceled); m.ended != "" {
			m.check(<-promise)
		} // otherwise, drop the channel
	case 't':
		done, err := c.TryWait()
		require.Equal(t, !m.started || m.closed || m.known || m.ended != "", done, "TryWait: %v", err)
		if done {
			m.check(err)
		} else {
			require.NoError(t, err)
		}
	case 'k', 'T', 'z':
		signal := map[byte]syscall.Signal{'k': syscall.SIGKILL, 'T': syscall.SIGTERM, 'z': 0}[call]
		err := c.Signal(signal)
		switch {
		case !m.started:
			require.EqualError(t, err, "exec: not started")
		case m.ended != "":
			require.ErrorIs(t, err, os.ErrProcessDone)
		default:
			require.NoError(t, err)
		}
		if m.alive() && signal != 0 {
			m.end("signal: " + signal.String())
		}
	case 'p': // stop and continue
		if m.alive() {
			require.NoError(t, c.Signal(syscall.SIGSTOP))
			require.NoError(t, c.Signal(syscall.SIGCONT))
		}
	case 'x':
		if m.alive() {
			m.open()
			m.end("<nil>")
		}
	case 'X': // end the context of the command
		if m.started && m.ended == "" {
			m.cancel()
			m.end("context")
		}
	case 'h':
		err := c.Shutdown(context.Background())
		if m.alive() && !m.closed {
			m.ended = "signal: terminated"
		}
		m.check(err)
	case 'C':
		require.NoError(t, c.Close())
		if m.started && !m.known && !m.closed {
			// If another call was waiting, the result may have been known before.
			done, err := c.TryWait()
			require.True(t, done)
			m.closed = err == execx.ErrClosed
			require.True(t, m.closed || m.stolen || m.ended != "" && len(m.promises) > 0, "%v", err)
			m.check(err)
		}
	case 'r':
		if m.ended != "" && !m.closed && !m.known && !m.stolen && len(m.promises) == 0 {
			state, err := c.Process.Wait() // no other call was waiting, so the process is not reaped
			require.NoError(t, err)
			if m.ended != "context" && m.ended != "<nil>" {
				require.Equal(t, m.ended, state.String())
			}
			m.stolen = true
		}
	case 'g':
		runtime.GC()
	}
}

func (m *model) alive() bool { return m.started && m.ended == "" }

// end waits until the process has ended, and records how.
func (m *model) end(how string) {
	m.ended = how
	pid := m.c.Process.Pid
	proctest.Until(m.t, func() bool {
		state := proctest.State(pid)
		return state == 'Z' || state == 0
	}, "%d has not ended", pid)
}

// checkOr is like check, except that err must be other if the result is not known.
func (m *model) checkOr(err, other error) {
	if m.started && !m.closed && !m.known && m.ended == "" {
		require.ErrorIs(m.t, err, other)
		return
	}
	m.check(err)
}

// check checks the error that a waiting method has returned.
func (m *model) check(err error) {
	m.t.Helper()
	switch {
	case !m.started:
		require.EqualError(m.t, err, "exec: not started")
		return
	case m.closed:
		require.Equal(m.t, execx.ErrClosed, err)
		return
	case !m.known:
		m.known, m.result = true, err
	}
	require.True(m.t, err == m.result, "%v, before it was %v", err, m.result)
	if m.stolen {
		require.ErrorIs(m.t, err, syscall.ECHILD)
		require.Nil(m.t, m.c.ProcessState)
		return
	}
	require.NotNil(m.t, m.c.ProcessState)
	if m.ended == "context" {
		require.True(m.t, errors.Is(err, context.Canceled) || err != nil && err.Error() == "signal: killed", "%v", err)
		return
	}
	require.Equal(m.t, m.ended, fmt.Sprint(err))
}
