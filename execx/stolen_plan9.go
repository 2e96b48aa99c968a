package execx

import "syscall"

// A StolenError is the result of a command whose process was reaped by another
// part of the program, where the system tells how it ended. Plan 9 does not.
type StolenError struct {
	Pid    int
	Status syscall.Waitmsg
}

// Error says how the process ended, and that it was reaped by somebody else.
func (e *StolenError) Error() string {
	return "exit status: " + e.Status.Msg + " (reaped by another part of the program)"
}

// ExitCode returns the exit code.
func (e *StolenError) ExitCode() int { return e.Status.ExitStatus() }
