package execx

import (
	"errors"
	"os"
	"syscall"

	"go.execx.dev/internal/pidfd"
)

// stolen returns the result of a process that could not be reaped because of err:
// the true one if somebody else has reaped it and the kernel remembers how it
// ended, else err.
func stolen(p *os.Process, err error) error {
	if !errors.Is(err, syscall.ECHILD) {
		return err
	}
	status, ok := pidfd.Status(p)
	switch {
	case !ok:
		return err
	case status.Exited() && status.ExitStatus() == 0:
		return nil
	default:
		return &StolenError{Pid: p.Pid, Status: syscall.WaitStatus(status)}
	}
}
