package execx

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"go.execx.dev/internal/pidfd"
)

var (
	errNotStarted     = errors.New("exec: not started")
	errAlreadyStarted = errors.New("exec: already started")
)

// Start starts the command but does not wait for it to complete, as [exec.Cmd.Start] does. If it
// succeeds, it sets the Process field, and no other. After the first call, successful or not, Start
// returns the error "exec: already started".
//
// If the executable is open for writing ([syscall.ETXTBSY]), Start tries again for about a quarter
// of a second, or until the context of [CommandContext] is done. A program that writes an
// executable file and runs it can fail this way at random: a process that another goroutine has
// just forked holds the file open until it executes its own program (go.dev/issue/22315).
//
// If the program replaces c.Process after Start, the methods of c use the new process, as in
// os/exec, and the program is responsible for the original one.
func (c *Cmd) Start() error {
	if c.started.Swap(true) || c.Process != nil {
		return errAlreadyStarted
	}
	if c.Err != nil || c.Path == "" {
		return c.Cmd.Start() // returns the error
	}
	if c.ctx == nil {
		c.ctx = embeddedContext(&c.Cmd)
	}
	if c.ctx == nil && c.Cancel != nil {
		return c.Cmd.Start() // returns the error
	}
	if called := startCalled(&c.Cmd); called != nil && atomic.SwapInt32(called, 1) != 0 {
		return errAlreadyStarted
	}
	l := new(launch)
	if err := l.start(c); err != nil {
		c.discardPipes()
		return err
	}

	stats.started.Add(1)
	c.pipes = c.takePipes()
	p := newChild(c, pidfd.Started(c.Process))
	c.pipes = nil
	l.attach(p)
	live.add(p)
	c.child.Store(p)
	runtime.AddCleanup(c, dropChild, p.key)
	for _, copy := range l.copies { // a Reader or Writer of the program may call any method of c
		go func() { p.copyDone(copy.fromStdin, copy.run()) }()
	}
	c.bindContext(p)
	return nil
}

// A launch is the start of a process.
type launch struct {
	stdio
	attempt  exec.Cmd     // the copy of the Cmd that is started
	onReaped func()       // called once the process is reaped, if not nil
	job      *pidfd.Group // the job that the process was started in, or nil
}

// start starts the process of c and sets c.Process.
func (l *launch) start(c *Cmd) error {
	if c.ctx != nil {
		if err := safeContext(c.ctx).Err(); err != nil {
			return err
		}
	}
	attr, err := c.processAttr()
	if err != nil {
		return err
	}
	if err := l.open(c); err != nil {
		return err
	}
	process, err := l.startWith(c, attr)
	l.close(err == nil)
	if err == nil {
		c.Process = process
	}
	return err
}

// attach gives the resources of the process to p.
func (l *launch) attach(p *child) {
	l.stdio.attach(p)
	p.onReaped = l.onReaped
	if l.job != nil {
		p.group = l.job
	}
}

// busyPauses are the pauses between attempts to start a file that is busy.
var busyPauses = [...]time.Duration{
	1 * time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond, 8 * time.Millisecond, 16 * time.Millisecond,
	32 * time.Millisecond, 64 * time.Millisecond, 64 * time.Millisecond, 64 * time.Millisecond,
}

// startWith starts the process by means of a copy of the embedded exec.Cmd that has only files for
// its standard streams and nothing to cancel, so os/exec starts no goroutine and keeps no reference
// to c.
func (l *launch) startWith(c *Cmd, attr *syscall.SysProcAttr) (*os.Process, error) {
	for attempts := 0; ; attempts++ {
		attempt := &l.attempt
		*attempt = c.Cmd
		attempt.Stdin, attempt.Stdout, attempt.Stderr = l.stdin, l.stdout, l.stderr
		attempt.Cancel, attempt.WaitDelay, attempt.SysProcAttr = nil, 0, attr
		kept := keepPipes(attempt)
		err := l.startAttempt(c)
		if err == nil || !kept || !isTextBusy(err) || attempts == len(busyPauses) {
			return attempt.Process, err
		}
		if err := c.pause(busyPauses[attempts]); err != nil {
			return nil, err
		}
	}
}

// pause blocks for d, or until the context of c is done, and returns its error then.
func (c *Cmd) pause(d time.Duration) error {
	var done <-chan struct{}
	if c.ctx != nil {
		done = c.ctx.Done()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-done:
		return safeContext(c.ctx).Err()
	}
}

// keepPipes makes c, a copy, forget the pipes created by StdinPipe, StdoutPipe and StderrPipe,
// which belong to the original. It returns false if it can't; then c closes them when it fails to
// start.
func keepPipes(c *exec.Cmd) bool {
	called, child, parent := startCalled(c), childFiles(c), parentPipes(c)
	if called == nil || child == nil || parent == nil {
		return false
	}
	*called, *child, *parent = 0, nil, nil
	return true
}

// takePipes closes the ends that the process has inherited of the pipes created by StdinPipe,
// StdoutPipe and StderrPipe, and returns the other ends, which c owns from then on.
func (c *Cmd) takePipes() []pipe {
	child, parent := childFiles(&c.Cmd), parentPipes(&c.Cmd)
	pipes := c.pipes
	if child == nil || parent == nil {
		return pipes
	}
	closeAll(*child)
	for _, f := range *parent {
		if !slices.ContainsFunc(pipes, func(end pipe) bool { return fileOf(end) == f }) {
			pipes = append(pipes, execPipe{f, false}) // for example of c.Cmd.StdoutPipe
		}
	}
	*child, *parent = nil, nil
	return pipes
}

// fileOf returns the file that the embedded exec.Cmd has for the pipe.
func fileOf(end pipe) io.Closer {
	switch end := end.(type) {
	case execPipe:
		return end.Closer
	case *outPipe:
		return end.File
	}
	return nil
}

// discardPipes closes both ends of the pipes, because c has failed to start.
func (c *Cmd) discardPipes() {
	child, parent := childFiles(&c.Cmd), parentPipes(&c.Cmd)
	if child != nil && parent != nil {
		closeAll(*child)
		closeAll(*parent)
		return
	}
	failing := c.Cmd
	failing.Err = errAlreadyStarted
	failing.Start()
}

func closeAll(files []io.Closer) {
	for _, f := range files {
		f.Close()
	}
}
