//go:build !linux

package execx

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.execx.dev/internal/pidfd"
)

// ReapAdopted reaps the children of this program that it did not start. It is only implemented on
// Linux: here it returns an error wrapping [errors.ErrUnsupported].
func ReapAdopted(ctx context.Context) error {
	return fmt.Errorf("exec: ReapAdopted: %w", errors.ErrUnsupported)
}

// isStolen reports whether err is that of reaping a process that another part of the program has
// reaped.
func isStolen(err error) bool {
	_, ok := errors.AsType[*os.SyscallError](err)
	return ok || err == os.ErrProcessDone
}

// unlessStolen returns state and err, the results of reaping p. The exit status is not known if
// another part of the program has reaped it.
func unlessStolen(p pidfd.Process, state *os.ProcessState, err error) (*os.ProcessState, error) {
	if state == nil && isStolen(err) {
		stats.stolen.Add(1)
	}
	return state, err
}
