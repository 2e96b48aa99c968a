//go:build !unix && !windows

package execx

import (
	"errors"
	"fmt"
	"syscall"
)

// processAttr returns c.SysProcAttr. There are no process groups here, and no parents to outlive.
func (c *Cmd) processAttr() (*syscall.SysProcAttr, error) {
	switch {
	case c.ProcessGroup:
		return nil, fmt.Errorf("exec: ProcessGroup: %w", errors.ErrUnsupported)
	case c.KillOnExit:
		return nil, fmt.Errorf("exec: KillOnExit: %w", errors.ErrUnsupported)
	}
	return c.SysProcAttr, nil
}
