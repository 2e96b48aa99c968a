//go:build !plan9

package execx

import (
	"fmt"
	"syscall"
)

// A StolenError is the result of a command whose process was reaped by another
// part of the program: by a call of wait4(-1), or because SIGCHLD is ignored. It
// wraps [syscall.ECHILD], the only thing that os/exec would say.
//
// It needs Linux 6.15, which remembers the status. If that was exit code 0, the
// result is nil and not an error; c.ProcessState is nil in both cases, since its
// other half, the use of resources, is lost. The pidfd of such a process is open until
// the Cmd is garbage.
type StolenError struct {
	Pid    int
	Status syscall.WaitStatus
}

// Error says how the process ended, and that it was reaped by somebody else.
func (e *StolenError) Error() string {
	what := fmt.Sprintf("exit status %d", e.Status.ExitStatus())
	if e.Status.Signaled() {
		what = "signal: " + e.Status.Signal().String()
		if e.Status.CoreDump() {
			what += " (core dumped)"
		}
	}
	return what + " (reaped by another part of the program)"
}

// ExitCode returns the exit code, or -1 if the process was ended by a signal, as
// [os.ProcessState.ExitCode] does.
func (e *StolenError) ExitCode() int {
	return e.Status.ExitStatus()
}

// Unwrap returns [syscall.ECHILD].
func (e *StolenError) Unwrap() error { return syscall.ECHILD }
