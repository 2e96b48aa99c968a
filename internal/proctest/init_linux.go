package proctest

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// underInit runs the tests in another process if this one is the init process of a PID namespace,
// as in a container, where orphans would become children of the tests. It returns the exit status,
// and whether it has run the tests.
func underInit() (code int, ran bool) {
	if os.Getpid() != 1 || Rerunning() { // a test may want to be the init process
		return 0, false
	}
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	// The group of this process may have no ID in this namespace.
	c.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "proctest:", err)
		return 1, true
	}
	for {
		var status unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &status, 0, nil); {
		case err == unix.EINTR:
		case err != nil:
			fmt.Fprintln(os.Stderr, "proctest:", os.NewSyscallError("wait4", err))
			return 1, true
		case pid == c.Process.Pid && status.Signaled():
			return 128 + int(status.Signal()), true
		case pid == c.Process.Pid:
			return status.ExitStatus(), true
		}
	}
}
