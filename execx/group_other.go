//go:build !unix

package execx

import (
	"errors"
	"fmt"
	"syscall"
)

// leaderAttr fails: there are no process groups here.
func leaderAttr(*syscall.SysProcAttr) (*syscall.SysProcAttr, error) {
	return nil, fmt.Errorf("exec: ProcessGroup: %w", errors.ErrUnsupported)
}
