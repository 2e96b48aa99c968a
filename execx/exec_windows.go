package execx

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"

	"go.execx.dev/internal/pidfd"
)

// isBrokenPipeErrno reports whether err is that of writing to a pipe that has no reader.
func isBrokenPipeErrno(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}

// isTextBusy reports whether err is that of executing a file that is open for writing, which is not
// told from others here.
func isTextBusy(err error) bool { return false }

// processAttr returns the SysProcAttr to start c with, without changing c.SysProcAttr. A process
// that will be assigned to a job is created suspended.
func (c *Cmd) processAttr() (*syscall.SysProcAttr, error) {
	if !c.ProcessGroup && !c.KillOnExit {
		return c.SysProcAttr, nil
	}
	var attr syscall.SysProcAttr
	if c.SysProcAttr != nil {
		attr = *c.SysProcAttr
	}
	attr.CreationFlags |= windows.CREATE_SUSPENDED
	if c.ProcessGroup { // for GenerateConsoleCtrlEvent
		attr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	}
	return &attr, nil
}

var newJob = pidfd.NewJob // changed by tests

// startAttempt starts the process, in a job if c needs one. If it can't be assigned to the job, it
// is killed before it runs.
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
		return &os.PathError{Op: "fork/exec", Path: c.Path, Err: err} // as package os returns
	case c.ProcessGroup:
		l.job = job
	default:
		l.onReaped = job.Close
	}
	return nil
}

// terminate asks the processes of the job to end. If that fails, for example because there is no
// console, it closes the standard input of the leader, if that is a StdinPipe. Without a job the
// process is killed, since a single process can't be asked to end.
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
