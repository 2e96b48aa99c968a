package execx_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// exhaust starts commands until Start fails. It checks that Start fails for the given reason,
// leaves nothing behind, and does not affect the commands that were started.
func exhaust(t *testing.T, reason syscall.Errno) {
	t.Helper()
	proctest.NoLeaks(t)
	const enough = 300
	var cmds []*execx.Cmd
	var results []<-chan error
	failures := 0
	for len(cmds) < enough && failures < 5 {
		c := execx.Command("sleep", "1000")
		c.Stdin, c.Stdout = strings.NewReader("in"), new(bytes.Buffer)
		if err := c.Start(); err != nil {
			assert.ErrorIs(t, err, reason)
			assert.EqualError(t, c.Wait(), "exec: not started")
			failures++
			continue
		}
		cmds = append(cmds, c)
		results = append(results, c.WaitChan(t.Context()))
	}
	assert.Equal(t, 5, failures, "%d commands were started", len(cmds))
	assert.NotEmpty(t, cmds)
	assert.Len(t, proctest.Children(), len(cmds))
	for i, c := range cmds {
		require.NoError(t, c.Kill())
		err, _ := proctest.Receive(t, results[i])
		assert.EqualError(t, err, "signal: killed")
	}
	assert.NoError(t, execx.Command("true").Run())
}

// limit lowers a resource limit of this process.
func limit(t *testing.T, resource int, value uint64) {
	t.Helper()
	require.NoError(t, unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value}))
}

func TestNoDescriptorsLeft(t *testing.T) {
	if proctest.Apart(t, nil) {
		limit(t, unix.RLIMIT_NOFILE, 64)
		exhaust(t, syscall.EMFILE)
	}
}

// The limit does not apply to root, and counts all processes of a user.
func TestNoProcessesLeft(t *testing.T) {
	if proctest.Apart(t, asUser(t, 54321)) {
		require.NotZero(t, os.Getuid())
		limit(t, unix.RLIMIT_NPROC, 60)
		exhaust(t, syscall.EAGAIN)
	}
}

// Here there may not even be a thread to start the process from.
func TestNoProcessesLeftForPdeathsig(t *testing.T) {
	if proctest.Apart(t, asUser(t, 54322)) {
		proctest.NoLeaks(t)
		limit(t, unix.RLIMIT_NPROC, 1)
		c := mortal("true")
		assert.ErrorIs(t, c.Start(), syscall.EAGAIN)
		assert.EqualError(t, c.Wait(), "exec: not started")
	}
}

// The runtime aborts a program if it can't open the two descriptors of its network poller, which
// os/exec does not need here. Start needs three descriptors, two of them only for itself.
func TestLastDescriptors(t *testing.T) {
	// Without a timeout, nothing else in the test has used the poller.
	if !proctest.Apart(t, func(c *exec.Cmd) { c.Args = append(c.Args, "-test.timeout=0") }) {
		return
	}
	proctest.NeedsPidfd(t)
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	var c *execx.Cmd
	for n := uint64(3); ; n++ {
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: before.Max}))
		c = execx.Command("sleep", "1000")
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdin, os.Stdin
		c.KillOnExit = true
		err := c.Start()
		if err == nil {
			break
		}
		require.ErrorIs(t, err, syscall.EMFILE)
	}
	result := c.WaitChan(t.Context())
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before))
	require.NoError(t, c.Kill())
	err, _ := proctest.Receive(t, result)
	assert.EqualError(t, err, "signal: killed")
}

func TestAwaitExitWithoutDescriptors(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NeedsPidfd(t)
	c := cmdtest.Start(t, "sleep", "1000")
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}))
	err := execx.AwaitExit(t.Context(), c.Process)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	assert.ErrorIs(t, err, syscall.EMFILE)
}

// A context that is done is reported before any other error of Start.
func TestContextIsDoneBeforeDescriptors(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	compare(t, func(t *testing.T, command commander) error {
		_, r := command(cancelledContext(), "true")
		var limit unix.Rlimit
		require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}))
		err := r.Start()
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		return err
	})
}

// asUser makes a command run as a user that has no other processes.
func asUser(t *testing.T, id uint32) func(c *exec.Cmd) {
	return func(c *exec.Cmd) {
		if os.Getuid() != 0 {
			t.Skip("needs root to become a user without processes")
		}
		// The executable may be in a directory that only root can access.
		self, err := os.Open(c.Path)
		require.NoError(t, err)
		t.Cleanup(func() { self.Close() })
		c.ExtraFiles = []*os.File{self}
		c.Path, c.Dir = "/proc/self/fd/3", "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	}
}

// A start that fails late, in the new process while it still shares the memory of this one, also
// leaves nothing behind.
func TestNoRoomForTheImage(t *testing.T) {
	proctest.NoLeaks(t)
	long := strings.Repeat("x", 1<<20)
	want := exec.Command("true", long).Start()
	require.Error(t, want)
	c := execx.Command("true", long)
	c.Stdin, c.Stdout = strings.NewReader("in"), new(bytes.Buffer)
	assert.Equal(t, want, c.Start())
	assert.EqualError(t, c.Wait(), "exec: not started")
	assert.Empty(t, proctest.Children())
}
