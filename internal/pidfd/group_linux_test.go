package pidfd

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// startLeader starts a process that leads a group. It is killed at the end of the test.
func startLeader(t *testing.T) *os.Process {
	t.Helper()
	c := exec.Command("sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Process.Wait()
	})
	return c.Process
}

func TestGroup(t *testing.T) {
	proctest.NoLeaks(t)
	p := startLeader(t)
	g := NewGroup(Of(p))
	require.NotNil(t, g)
	defer g.Close()
	assert.True(t, g.Alive())
	require.NoError(t, g.Signal(syscall.SIGTERM, true))
	state, err := p.Wait()
	require.NoError(t, err)
	assert.Equal(t, "signal: terminated", state.String())
	assert.ErrorIs(t, g.Signal(syscall.SIGTERM, false), os.ErrProcessDone)
}

// Without a descriptor, the PID of a leader that was reaped must not be used.
func TestGroupWithoutDescriptor(t *testing.T) {
	proctest.NoLeaks(t)
	g := NewGroup(Of(startLeader(t)))
	g.Close()
	g.Close()
	assert.ErrorIs(t, g.Signal(syscall.SIGKILL, false), os.ErrProcessDone)
	assert.NoError(t, g.Signal(Null, true))
}

func TestNewGroupOfNoLeader(t *testing.T) {
	proctest.NoLeaks(t)
	assert.Nil(t, NewGroup(Of(proctest.Start(t, "sleep", "1000"))))
}

// The PID of a process that was reaped may belong to another leader.
func TestNewGroupOfReaped(t *testing.T) {
	proctest.NoLeaks(t)
	p := proctest.Start(t, "true")
	_, err := p.Wait()
	require.NoError(t, err)
	p.Pid = startLeader(t).Pid
	assert.Nil(t, NewGroup(Of(p)))
}

func TestGroupSignalOfWrongType(t *testing.T) {
	proctest.NoLeaks(t)
	g := NewGroup(Of(startLeader(t)))
	defer g.Close()
	assert.EqualError(t, g.Signal(notASignal{}, true), "unsupported signal type")
}

type notASignal struct{}

func (notASignal) Signal()        {}
func (notASignal) String() string { return "not a signal" }
