package proctest_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/proctest"
)

// inNamespace is the environment variable that enables TestOrphan.
const inNamespace = "PROCTEST_IN_NAMESPACE"

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

// Tests that leave an orphan pass, even in a container.
func TestAsInit(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self, "-test.run=^TestOrphan$", "-test.v")
	c.Env = append(os.Environ(), inNamespace+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
	out, err := c.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Skip(err)
	}
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "--- PASS: TestOrphan")
}

func TestOrphan(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		t.Skip("run by TestAsInit")
	}
	require.Equal(t, 1, os.Getppid())
	require.Equal(t, os.Getpid(), unix.Getpgrp())
	out, err := exec.Command("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!").Output()
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(string(out), &pid)
	require.NoError(t, err)
	require.NoError(t, unix.Kill(pid, unix.SIGKILL))
	proctest.Until(t, func() bool { return unix.Kill(pid, 0) == unix.ESRCH }, "not reaped")
}
