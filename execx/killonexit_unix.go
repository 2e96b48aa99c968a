//go:build unix && !linux && !freebsd

package execx

import (
	"errors"
	"fmt"
	"syscall"
)

// killOnExitAttr fails: there is no signal for the end of the parent.
func killOnExitAttr(*syscall.SysProcAttr) (*syscall.SysProcAttr, error) {
	return nil, fmt.Errorf("exec: KillOnExit: %w", errors.ErrUnsupported)
}
