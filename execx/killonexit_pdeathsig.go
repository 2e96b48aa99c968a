//go:build linux || freebsd

package execx

import (
	"errors"
	"syscall"
)

var errOtherDeathsig = errors.New("exec: KillOnExit excludes SysProcAttr.Pdeathsig with another signal than SIGKILL")

// killOnExitAttr returns a copy of attr that makes the kernel kill the process when this program
// ends.
func killOnExitAttr(attr *syscall.SysProcAttr) (*syscall.SysProcAttr, error) {
	var mortal syscall.SysProcAttr
	if attr != nil {
		mortal = *attr
	}
	if mortal.Pdeathsig != 0 && mortal.Pdeathsig != syscall.SIGKILL {
		return nil, errOtherDeathsig
	}
	mortal.Pdeathsig = syscall.SIGKILL
	return &mortal, nil
}
