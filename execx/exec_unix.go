//go:build unix

package execx

import (
	"errors"
	"os"
	"syscall"
)

var errJoinsGroup = errors.New("exec: ProcessGroup excludes SysProcAttr.Pgid, by which the process joins another group")

// processAttr returns the SysProcAttr to start c with, without changing c.SysProcAttr.
func (c *Cmd) processAttr() (attr *syscall.SysProcAttr, err error) {
	attr = c.SysProcAttr
	if c.ProcessGroup {
		attr, err = leaderAttr(attr)
	}
	if err == nil && c.KillOnExit {
		attr, err = killOnExitAttr(attr)
	}
	return attr, err
}

// leaderAttr returns a copy of attr that makes the process lead a group.
func leaderAttr(attr *syscall.SysProcAttr) (*syscall.SysProcAttr, error) {
	if attr == nil {
		return &syscall.SysProcAttr{Setpgid: true}, nil
	}
	if attr.Pgid != 0 {
		return nil, errJoinsGroup
	}
	if attr.Setsid {
		return attr, nil // a session leader leads a group, and setpgid(2) would fail
	}
	leader := *attr
	leader.Setpgid = true
	return &leader, nil
}

// terminate asks the process or its group to end.
func (p *child) terminate() error {
	err := p.signal(syscall.SIGTERM)
	if err == nil {
		p.signal(syscall.SIGCONT)
	}
	return err
}

// isBrokenPipeErrno reports whether err is that of writing to a pipe that has no reader.
func isBrokenPipeErrno(err error) bool {
	return err == syscall.EPIPE
}

// isTextBusy reports whether err is that of executing a file that is open for writing.
func isTextBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

// openNull opens the null device. It is not registered with the runtime's network poller, which
// saves four of the seven system calls of os.OpenFile and Close.
func openNull(flag int) (*os.File, error) {
	for {
		fd, err := syscall.Open(os.DevNull, flag|syscall.O_CLOEXEC, 0)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
		}
		return os.NewFile(uintptr(fd), os.DevNull), nil
	}
}
