package pidfd

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func TestAfterGarbage(t *testing.T) {
	proctest.NoLeaks(t)
	garbage := make(chan Process, 1)
	pid := func() int {
		c := exec.Command("true")
		require.NoError(t, c.Start())
		_, err := Started(c.Process).AfterGarbage(time.Now(), func(own Process) { garbage <- own })
		require.NoError(t, err)
		return c.Process.Pid
	}()
	proctest.Collect(t, func() bool { return len(garbage) > 0 }, "not garbage")
	own := <-garbage
	assert.Equal(t, pid, own.Pid)
	state, err := own.Wait(time.Now())
	require.NoError(t, err)
	assert.Equal(t, pid, state.Pid())
}

// A process can be signaled even between the garbage collection of its os.Process and the call of
// the finalizer.
func TestSignalOfGarbage(t *testing.T) {
	proctest.NoLeaks(t)
	running, block := make(chan struct{}), make(chan struct{})
	runtime.SetFinalizer(new([64]byte), func(*[64]byte) {
		close(running)
		<-block // and with it all other finalizers
	})
	proctest.Collect(t, func() bool {
		select {
		case <-running:
			return true
		default:
			return false
		}
	}, "not garbage")

	garbage := make(chan Process, 1)
	own, process := func() (Process, weak.Pointer[os.Process]) {
		c := exec.Command("sleep", "1000")
		require.NoError(t, c.Start())
		own, err := Started(c.Process).AfterGarbage(time.Now(), func(own Process) { garbage <- own })
		require.NoError(t, err)
		return own, weak.Make(c.Process)
	}()
	proctest.Collect(t, func() bool { return process.Value() == nil }, "not garbage")
	result := make(chan error, 1)
	go func() { result <- own.Signal(os.Kill) }()
	close(block)
	err, _ := proctest.Receive(t, result)
	assert.NoError(t, err)
	own, _ = proctest.Receive(t, garbage)
	own.Signal(os.Kill) // in case that has failed
	_, err = own.Wait(time.Now())
	assert.NoError(t, err)
}
