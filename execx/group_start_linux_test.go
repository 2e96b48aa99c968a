package execx_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestProcessGroupAndSysProcAttr(t *testing.T) {
	for _, tt := range []struct {
		name string
		attr *syscall.SysProcAttr
	}{
		{"none", nil},
		{"empty", &syscall.SysProcAttr{}},
		{"Setsid", &syscall.SysProcAttr{Setsid: true}},
		{"Setpgid", &syscall.SysProcAttr{Setpgid: true}},
		{"Pdeathsig", &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := execx.Command("sleep", "1000")
			c.ProcessGroup = true
			c.SysProcAttr = tt.attr
			var before syscall.SysProcAttr
			if tt.attr != nil {
				before = *tt.attr
			}
			require.NoError(t, c.Start())
			assert.Same(t, tt.attr, c.SysProcAttr)
			if tt.attr != nil {
				assert.Equal(t, before, *tt.attr)
			}
			pgid, err := syscall.Getpgid(c.Process.Pid)
			require.NoError(t, err)
			assert.Equal(t, c.Process.Pid, pgid)
			require.NoError(t, c.Kill())
			assert.EqualError(t, c.Wait(), "signal: killed")
			require.NoError(t, c.Close())
		})
	}
	t.Run("Pgid", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("true")
		c.ProcessGroup = true
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: os.Getpid()}
		_, err := c.StdoutPipe()
		require.NoError(t, err)
		assert.ErrorContains(t, c.Start(), "ProcessGroup")
		assert.Equal(t, &syscall.SysProcAttr{Setpgid: true, Pgid: os.Getpid()}, c.SysProcAttr)
		assert.EqualError(t, c.Wait(), "exec: not started")
	})
}

// If os/exec has started the process, the caller decides whether it leads a group.
func TestProcessGroupStartedThroughEmbedded(t *testing.T) {
	t.Run("leads a group", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sh", "-c", "sleep 1000 & wait")
		c.ProcessGroup = true
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		r, w, err := os.Pipe()
		require.NoError(t, err)
		defer r.Close()
		c.Stdout = w
		require.NoError(t, c.Cmd.Start())
		w.Close()
		require.NoError(t, c.Kill())
		assert.EqualError(t, c.Wait(), "signal: killed")
		n, _ := r.Read(make([]byte, 1))
		assert.Zero(t, n, "all have ended")
		require.NoError(t, c.Close())
	})
	t.Run("leads none", func(t *testing.T) {
		proctest.NoLeaks(t)
		c := execx.Command("sleep", "1000")
		c.ProcessGroup = true
		require.NoError(t, c.Cmd.Start())
		require.NoError(t, c.Kill(), "and not the group of this test")
		assert.EqualError(t, c.Wait(), "signal: killed")
		require.NoError(t, c.Close())
	})
}

// If os/exec has started and reaped a process, its PID may be reused by the time execx first learns
// of it.
func TestProcessGroupWaitedForThroughEmbedded(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait func(c *execx.Cmd)
	}{
		{"Cmd", func(c *execx.Cmd) { c.Cmd.Wait() }},
		{"Process", func(c *execx.Cmd) { c.Process.Wait() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			c := execx.Command("sh", "-c", "sleep 1000 & echo $!")
			c.ProcessGroup = true
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			r, w, err := os.Pipe()
			require.NoError(t, err)
			defer r.Close()
			c.Stdout = w
			require.NoError(t, c.Cmd.Start())
			w.Close()
			buf := make([]byte, 32)
			n, err := r.Read(buf)
			require.NoError(t, err)
			defer killPidIn(t, string(buf[:n]))
			tt.wait(c)
			assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
		})
	}
}
