//go:build !linux

package execx

import (
	"errors"
	"os"

	"go.execx.dev/internal/pidfd"
)

// stolen returns err: nothing tells how a process ended that somebody else has
// reaped.
func stolen(p pidfd.Process, err error) (*os.ProcessState, error) {
	if _, ok := errors.AsType[*os.SyscallError](err); ok || err == os.ErrProcessDone {
		stats.stolen.Add(1)
	}
	return nil, err
}
