package proctest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Nobody is the UID of a user without privileges.
const Nobody = 65534

// NeedsRoot skips the test if this process is not root or can't become Nobody: a user namespace may
// have no user but root.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("must be root")
	}
	c := exec.Command("true")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: Nobody, NoSetGroups: true}}
	if err := c.Run(); err != nil {
		t.Skip("must be able to become another user: ", err)
	}
}

// BecomeSubreaper makes this process a subreaper, which inherits orphans like the init process. It
// skips the test if that is not supported.
func BecomeSubreaper(t testing.TB) {
	t.Helper()
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if err == unix.EINVAL {
		t.Skip("must be able to become a subreaper: ", err)
	}
	require.NoError(t, err)
}

// IgnoreSIGCHLD ignores SIGCHLD until the end of the test.
func IgnoreSIGCHLD(t testing.TB) {
	t.Helper()
	signal.Ignore(unix.SIGCHLD)
	t.Cleanup(func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, unix.SIGCHLD) // Reset would leave it ignored
		signal.Stop(signals)
	})
}

// NeedsPidfd skips the test if an [os.Process] has no pidfd.
func NeedsPidfd(t testing.TB) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	defer self.Release()
	if self.WithHandle(func(uintptr) {}) != nil {
		t.Skip("needs pidfds")
	}
}

// NeedsTraceStops skips the test if a process can't be traced from its start, or if waitid(2)
// reports a stop to the tracer as an exit, as in gVisor.
func NeedsTraceStops(t testing.TB) {
	t.Helper()
	NeedsPtrace(t)
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	attr := &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}}
	pid, err := syscall.ForkExec("/proc/self/exe", os.Args[:1], attr)
	if errors.Is(err, os.ErrPermission) {
		t.Skip("ptrace is not permitted")
	}
	require.NoError(t, err)
	var info unix.Siginfo
	require.NoError(t, unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil))
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	for status := syscall.WaitStatus(0x7f); status.Stopped(); {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		require.NoError(t, err)
	}
	const trapped = 4 // CLD_TRAPPED
	if info.Code != trapped {
		t.Skip("waitid takes the stop of a traced process for its end")
	}
}

// Orphan returns the PID of a process that another process has left to this one, the nearest
// subreaper. It executes a shell script that begins after the other process has ended: shells reap
// what ends before them.
func Orphan(t testing.TB, script string) (pid int) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close() // begins the script
	c := exec.Command("sh", "-c", "{ read line; "+script+"; } <&3 3<&- >/dev/null 2>&1 & echo $!")
	c.ExtraFiles = []*os.File{r}
	out, err := c.Output()
	require.NoError(t, err)
	_, err = fmt.Sscan(string(out), &pid)
	require.NoError(t, err)
	return pid
}
