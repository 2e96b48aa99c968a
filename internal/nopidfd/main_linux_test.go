package main

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/pidfd"
)

const (
	launch = "NOPIDFD_LAUNCH" // turns the test binary into the launcher
	mode   = "NOPIDFD_MODE"   // makes TestInside run, with this filter
)

func TestMain(m *testing.M) {
	if os.Getenv(launch) != "" {
		os.Unsetenv(launch)
		main()
	}
	os.Exit(m.Run())
}

// needsFilters skips the test if filters are not available.
func needsFilters(t *testing.T) {
	t.Helper()
	if _, ok := auditArch[runtime.GOARCH]; !ok {
		t.Skip("no filter for " + runtime.GOARCH)
	}
	// If filters are supported, the only error is the missing address.
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, 0); e != unix.EFAULT {
		t.Skip("seccomp: ", e)
	}
}

func TestRefused(t *testing.T) {
	needsFilters(t)
	self, err := os.Executable()
	require.NoError(t, err)
	for name := range modes {
		t.Run(name, func(t *testing.T) {
			if name == "flags" && !pidfd.Supported() {
				t.Skip("needs pidfds")
			}
			c := exec.Command(self, name, self, "-test.v", "-test.run=^TestInside$")
			c.Env = append(os.Environ(), launch+"=1", mode+"="+name)
			out, err := c.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), "--- PASS: TestInside")
		})
	}
}

// TestInside checks what a command sees that the launcher has started.
func TestInside(t *testing.T) {
	switch os.Getenv(mode) {
	case "enosys":
		testNoPidfds(t, unix.ENOSYS)
	case "eperm":
		testNoPidfds(t, unix.EPERM)
	case "flags":
		testNoFlags(t)
	default:
		t.Skip("run by TestRefused")
	}
}

func testNoPidfds(t *testing.T, want unix.Errno) {
	_, err := unix.PidfdOpen(os.Getpid(), 0)
	assert.Equal(t, want, err, "pidfd_open")
	assert.Equal(t, want, unix.PidfdSendSignal(-1, 0, nil, 0), "pidfd_send_signal")
	_, err = unix.PidfdGetfd(-1, 0, 0)
	assert.Equal(t, want, err, "pidfd_getfd")
	assert.Equal(t, want, unix.Waitid(unix.P_PIDFD, 0, nil, unix.WEXITED, nil), "waitid")
	// If these were allowed, they would fail with EINVAL: signal handlers can't be shared without
	// sharing memory.
	_, _, err = unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	assert.Equal(t, unix.ENOSYS, err, "clone3")
	_, _, err = unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_PIDFD|unix.CLONE_SIGHAND, 0, 0, 0, 0, 0)
	assert.Equal(t, want, err, "clone with CLONE_PIDFD")
	_, _, err = unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_SIGHAND, 0, 0, 0, 0, 0)
	assert.Equal(t, unix.EINVAL, err, "clone")

	c := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, c.Start())
	assert.Equal(t, os.ErrNoHandle, c.Process.WithHandle(func(uintptr) {}))
	assert.EqualError(t, c.Wait(), "exit status 3")
	p, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	assert.Equal(t, os.ErrNoHandle, p.WithHandle(func(uintptr) {}))
}

func testNoFlags(t *testing.T) {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	assert.NoError(t, unix.PidfdSendSignal(fd, 0, nil, 0))
	assert.Equal(t, unix.EINVAL, unix.PidfdSendSignal(fd, 0, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP))
	// A kernel without support for flags rejects them, whatever the descriptor is.
	assert.Equal(t, unix.EINVAL, unix.PidfdSendSignal(-1, 0, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP))
	assert.Equal(t, unix.EBADF, unix.PidfdSendSignal(-1, 0, nil, 0))
	assert.Equal(t, unix.ENOTTY, unix.IoctlPidfdInfo(fd, &unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	_, err = unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
	assert.NoError(t, err, "another ioctl")

	c := exec.Command("sh", "-c", "exit 3")
	require.NoError(t, c.Start())
	assert.NoError(t, c.Process.WithHandle(func(handle uintptr) {
		assert.NoError(t, unix.PidfdSendSignal(int(handle), 0, nil, 0))
	}))
	assert.EqualError(t, c.Wait(), "exit status 3")
}

func TestUsage(t *testing.T) {
	assert.ErrorContains(t, run(nil), "usage")
	assert.ErrorContains(t, run([]string{"enosys"}), "usage")
	assert.ErrorContains(t, run([]string{"einval", "true"}), "einval is none of")
	assert.ErrorIs(t, run([]string{"eperm", "no-such-command"}), exec.ErrNotFound)
}
