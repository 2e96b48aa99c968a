//go:build unix

package execx

import (
	"errors"
	"syscall"
)

var errJoinsGroup = errors.New("exec: ProcessGroup excludes SysProcAttr.Pgid, by which the process joins another group")

// processAttr returns c.SysProcAttr, or what stands in for it.
func (c *Cmd) processAttr() (attr *syscall.SysProcAttr, err error) {
	attr = c.SysProcAttr
	if c.ProcessGroup {
		attr, err = leaderAttr(attr)
	}
	if err == nil && c.KillOnExit {
		attr, err = mortalAttr(attr)
	}
	return attr, err
}

// leaderAttr returns attr changed in such a way that the process leads a group.
func leaderAttr(attr *syscall.SysProcAttr) (*syscall.SysProcAttr, error) {
	if attr == nil {
		return &syscall.SysProcAttr{Setpgid: true}, nil
	}
	if attr.Pgid != 0 {
		return nil, errJoinsGroup
	}
	if attr.Setsid {
		return attr, nil // the leader of a session leads a group, and must not ask for one
	}
	leader := *attr
	leader.Setpgid = true
	return &leader, nil
}
