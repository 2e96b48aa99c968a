//go:build !unix && !windows

package execx

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// processAttr returns c.SysProcAttr. There are no process groups, and no way to kill a process with
// its parent.
func (c *Cmd) processAttr() (*syscall.SysProcAttr, error) {
	switch {
	case c.ProcessGroup:
		return nil, fmt.Errorf("exec: ProcessGroup: %w", errors.ErrUnsupported)
	case c.KillOnExit:
		return nil, fmt.Errorf("exec: KillOnExit: %w", errors.ErrUnsupported)
	}
	return c.SysProcAttr, nil
}

// terminate kills the process, since it can't be asked to end.
func (p *child) terminate() error {
	if err := p.signal(os.Kill); err == os.ErrProcessDone {
		return err
	}
	return nil
}

// isTextBusy reports whether err is that of executing a file that is open for writing. Here it
// can't be told.
func isTextBusy(err error) bool { return false }

// openNull opens the null device.
func openNull(flag int) (*os.File, error) { return os.OpenFile(os.DevNull, flag, 0) }
