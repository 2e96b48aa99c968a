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

// Start starts the command but does not wait for it to complete, and sets the
// Process field if it succeeds, as [exec.Cmd.Start] does. No other field is written to. A
// Cmd can be started once. It fails with "exec: already started" after that.
//
// If the program is a file that somebody has open for writing ([syscall.ETXTBSY]), Start
// tries again, for up to about a quarter of a second, or until the context of
// [CommandContext] is done. A program that writes an executable and
// starts it is met by that at random: another goroutine may just have forked, and the new
// process holds the file until it executes its own (go.dev/issue/22315).
//
// As under os/exec, a process that has ended keeps its number until it is reaped. See the
// package documentation for when that is. If c.Process is replaced after Start, the
// methods of c are about the new one, as under os/exec; the one before is left to whoever
// has it.
func (c *Cmd) Start() error {
	if c.started.Swap(true) || c.Process != nil {
		return errAlreadyStarted
	}
	if c.Err != nil || c.Path == "" {
		return c.Cmd.Start() // which says what is wrong
	}
	if c.ctx == nil {
		c.ctx = embeddedContext(&c.Cmd)
	}
	if c.ctx == nil && c.Cancel != nil {
		return c.Cmd.Start() // which reports the mistake
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
	for _, copy := range l.copies { // which may call any method of c
		go func() { p.copyDone(copy.fromStdin, copy.run()) }()
	}
	c.bindContext(p)
	return nil
}

// A launch is what a process is started with.
type launch struct {
	stdio
	attempt  exec.Cmd     // the copy of the command that is started
	onReaped func()       // is to be called once the process is reaped, if not nil
	job      *pidfd.Group // that the process was started in, or nil
}

// start starts the process of c, and sets c.Process.
func (l *launch) start(c *Cmd) error {
	if c.ctx != nil {
		if err := safe(c.ctx).Err(); err != nil {
			return err
		}
	}
	attr, err := c.processAttr()
	if err != nil {
		return err
	}
	err = l.open(c)
	var process *os.Process
	if err == nil {
		process, err = l.startWith(c, attr)
	}
	l.close(err == nil)
	if err == nil {
		c.Process = process
	}
	return err
}

// attach hands over to p what the process was started with.
func (l *launch) attach(p *child) {
	l.stdio.attach(p)
	p.onReaped = l.onReaped
	if l.job != nil {
		p.group = l.job
	}
}

// busyPauses are between the attempts at starting a file that is busy.
var busyPauses = [...]time.Duration{
	1 * time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond, 8 * time.Millisecond, 16 * time.Millisecond,
	32 * time.Millisecond, 64 * time.Millisecond, 64 * time.Millisecond, 64 * time.Millisecond,
}

// startWith has copies of the embedded exec.Cmd start the process with files only, and
// nothing to cancel: os/exec then starts no goroutine, and keeps no hold of c.
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

// pause blocks for d, or until the context of c is done, whose error it returns then.
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
		return safe(c.ctx).Err()
	}
}

// keepPipes makes c, which is a copy, leave the pipes alone that StdinPipe and its like have
// made: they belong to the original. It reports false if the copy will
// close them, as it does once it has failed to start.
func keepPipes(c *exec.Cmd) bool {
	called, child, parent := startCalled(c), childFiles(c), parentPipes(c)
	if called == nil || child == nil || parent == nil {
		return false
	}
	*called, *child, *parent = 0, nil, nil
	return true
}

// takePipes closes the ends that the process has got by now of the pipes that StdinPipe and
// its like have made, and returns the other ends, which are c's to close from then on.
func (c *Cmd) takePipes() []pipe {
	child, parent := childFiles(&c.Cmd), parentPipes(&c.Cmd)
	pipes := c.pipes
	if child == nil || parent == nil {
		return pipes
	}
	closeAll(*child)
	for _, f := range *parent {
		if !slices.ContainsFunc(pipes, func(end pipe) bool { return fileOf(end) == f }) {
			pipes = append(pipes, execPipe{f, false}) // of c.Cmd.StdoutPipe, for instance
		}
	}
	*child, *parent = nil, nil
	return pipes
}

// fileOf returns what the embedded exec.Cmd knows the pipe by.
func fileOf(end pipe) io.Closer {
	switch end := end.(type) {
	case execPipe:
		return end.Closer
	case *outPipe:
		return end.File
	}
	return nil
}

// discardPipes closes both ends of those pipes, because c could not be started.
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
