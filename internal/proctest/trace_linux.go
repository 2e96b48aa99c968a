package proctest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// tracee is the environment variable that turns a test binary into the tracer of the process with
// the PID that it contains.
const tracee = "PROCTEST_TRACEE"

// Trace makes another process attach to pid by ptrace(2), like strace -D, until release is called.
// If the traced process ends meanwhile, it is a zombie that only its tracer can wait for. Trace
// skips the test if ptrace is not permitted or not available.
func Trace(t testing.TB, pid int) (release func()) {
	t.Helper()
	NeedsPtrace(t)
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), tracee+"="+strconv.Itoa(pid), prompt)
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	release = func() {
		stdin.Close()
		c.Wait()
	}
	t.Cleanup(release)
	answer, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	switch answer {
	case "attached\n":
	case "not permitted\n":
		t.Skip("ptrace is not permitted")
	default:
		require.FailNow(t, "tracer: "+answer)
	}
	return release
}

// NeedsPtrace skips the test if the system has no ptrace(2), as in user-mode emulation.
func NeedsPtrace(t testing.TB) {
	t.Helper()
	if err := unix.PtraceDetach(os.Getpid()); err == unix.ENOSYS {
		t.Skip("needs ptrace: ", err)
	}
}

// trace is the tracer. It holds the process until its standard input ends.
func trace(pid string) int {
	runtime.LockOSThread() // the tracer is a thread
	n, err := strconv.Atoi(pid)
	if err == nil {
		err = unix.PtraceSeize(n)
	}
	switch {
	case errors.Is(err, unix.EPERM):
		fmt.Println("not permitted")
		return 1
	case err != nil:
		fmt.Println(err)
		return 1
	}
	fmt.Println("attached")
	io.Copy(io.Discard, os.Stdin)
	return 0
}
