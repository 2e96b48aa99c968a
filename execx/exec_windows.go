package execx

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"

	"go.execx.dev/internal/pidfd"
)

// isBrokenPipeErrno reports whether err is that of writing to a pipe nobody reads.
func isBrokenPipeErrno(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}

// isTextBusy reports whether err is that of executing a file that is open for writing, which
// is not told from others here.
func isTextBusy(err error) bool { return false }

// processAttr returns c.SysProcAttr, or what stands in for it: what is to be in a job does not run
// before it is.
func (c *Cmd) processAttr() (*syscall.SysProcAttr, error) {
	if !c.ProcessGroup && !c.KillOnExit {
		return c.SysProcAttr, nil
	}
	var attr syscall.SysProcAttr
	if c.SysProcAttr != nil {
		attr = *c.SysProcAttr
	}
	attr.CreationFlags |= windows.CREATE_SUSPENDED
	if c.ProcessGroup { // of those that an event of the console is for
		attr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	}
	return &attr, nil
}

var newJob = pidfd.NewJob // changed by tests

// startAttempt starts the process, in a job if c asks for that. A process that can't be put there
// has not run, and is killed.
func (l *launch) startAttempt(c *Cmd) error {
	if err := l.attempt.Start(); err != nil || !c.ProcessGroup && !c.KillOnExit {
		return err
	}
	p := l.attempt.Process
	suspended := c.SysProcAttr != nil && c.SysProcAttr.CreationFlags&windows.CREATE_SUSPENDED != 0
	job, err := newJob(p, c.KillOnExit, !suspended)
	switch {
	case err != nil:
		p.Kill()
		p.Wait()
		return &os.PathError{Op: "fork/exec", Path: c.Path, Err: err} // as os says
	case c.ProcessGroup:
		l.job = job
	default:
		l.onReaped = job.Close
	}
	return nil
}

// terminate asks the processes of the job to end. If that can't be done, for want of a console for
// instance, the end of its standard input has to tell the leader, if that is a StdinPipe. Without a job
// the process is killed: there is no way to ask one process.
func (p *child) terminate() error {
	if alive, _ := p.alive(true); !alive {
		return os.ErrProcessDone
	}
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.group == nil {
		return p.sendLocked(os.Kill)
	}
	if err := p.group.Signal(os.Interrupt, true); err != nil && err != os.ErrProcessDone {
		p.closePipesLocked(func(end pipe) bool {
			stdin, ok := end.(execPipe)
			return ok && stdin.isStdin
		})
	}
	return nil
}

// openNull opens the null device.
func openNull(flag int) (*os.File, error) { return os.OpenFile(os.DevNull, flag, 0) }
