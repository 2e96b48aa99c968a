package execx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"

	"go.execx.dev/internal/creation"
)

// Cmd represents an external command being prepared or run.
//
// It is an [exec.Cmd] whose methods to run, wait for and signal the process are
// those of this package. The fields, String and Environ are as in os/exec. The
// zero value with only Path set is a usable command.
//
// &c.Cmd can be handed to an API that wants an *exec.Cmd and starts it; the
// methods below then work all the same. A command that was started by
// [Cmd.Start] is to be waited for with the methods below, not with c.Cmd.Wait:
// that one reaps the process, but knows nothing of the goroutines that copy its
// output.
//
// Before Start a Cmd must not be used by more than one goroutine at a time.
// After it, all methods below that wait or signal may be called by any number of
// goroutines at once. A Cmd must not be copied after Start.
type Cmd struct {
	exec.Cmd

	// KillOnClose has Close kill the process, and so does the garbage
	// collector if it finds that the Cmd and its Process were dropped. Set it
	// before Start. By default the process lives on.
	//
	// On systems other than Linux, a Cmd that is dropped after a WaitContext has given
	// up is not killed: a goroutine still has its Process.
	//
	// If ProcessGroup is set, too, both kill what is left of the group, even
	// if the process itself has ended and was waited for.
	KillOnClose bool

	// ProcessGroup has the process lead a new process group, of all that it
	// starts and that does not leave the group. Kill, Signal and Shutdown, the
	// context of CommandContext by the default Cancel, the end of WaitDelay, and
	// KillOnClose then reach the whole group. Set it before Start.
	//
	// On Linux 6.9 and later, the group is also reached when the process has
	// ended, until Close is called: what it has left behind is. Signal and Kill fail with
	// [os.ErrProcessDone] once the group is empty. It takes one descriptor more,
	// from Start until Close or garbage collection. Elsewhere the group is
	// reached until the process has been waited for.
	//
	// A new group is a background one: it does not get the signals of the
	// terminal's keys, and is stopped if it reads the terminal; SysProcAttr
	// with Foreground, or Setsid and Setctty, changes that. Start fails if
	// SysProcAttr.Pgid has the process join another group, and with an error
	// wrapping [errors.ErrUnsupported] where there are no process groups, as
	// on Windows. c.SysProcAttr is not written to.
	//
	// If the command was started through the embedded exec.Cmd, ProcessGroup
	// counts only if the process leads a group by the time that one of the
	// methods below is called, because of Setsid for instance.
	ProcessGroup bool

	ctx     context.Context // of CommandContext, or nil
	cancel  func() error    // the Cancel that CommandContext has set, or nil
	started atomic.Bool     // Start was called
	pipes   []pipe          // made by StdinPipe, StdoutPipe and StderrPipe
	stack   creation.Stack  // of the caller of Command, or nil

	// child is nil until Start has succeeded or, if the command was started
	// through the embedded exec.Cmd, until something is first asked about it.
	child atomic.Pointer[child]
}

var (
	errNotStarted     = errors.New("exec: not started")
	errAlreadyStarted = errors.New("exec: already started")
)

// Command returns the Cmd to execute the named program with the given
// arguments, as [exec.Command] does.
func Command(name string, arg ...string) *Cmd {
	return &Cmd{Cmd: *exec.Command(name, arg...), stack: creationStack()}
}

// CommandContext is like [Command] but includes a context, as
// [exec.CommandContext] does: when ctx is done before the command has completed,
// c.Cancel is called, which by default kills the process, and c.WaitDelay
// bounds what is then waited for. It panics if ctx is nil.
//
// The context ends the process. To end only the waiting for it, see
// [Cmd.WaitContext]. To end the process politely, and by force only if it takes too
// long:
//
//	c.Cancel = func() error { return c.Signal(syscall.SIGTERM) }
//	c.WaitDelay = 10 * time.Second
//
// Cancel is not called for a process that has ended, which is looked at first where
// the system allows (Linux): what has ended by itself is not reported as cancelled. The
// process is not reaped by the end of ctx, but is still to be waited for.
//
// A Cancel of the program's own keeps the Cmd from being garbage until the process has
// ended, or where that can't be seen (systems other than Linux) until ctx is done. The
// default one does not: it kills the process even if the program has
// dropped the Cmd.
//
// Unlike os/exec, no goroutine waits for ctx, unless it is of a foreign type; see the
// package documentation.
func CommandContext(ctx context.Context, name string, arg ...string) *Cmd {
	c := &Cmd{Cmd: *exec.CommandContext(ctx, name, arg...), ctx: ctx, stack: creationStack()}
	c.Cancel = func() error {
		p := c.startedChild()
		if p == nil {
			return errNotStarted
		}
		return p.kill()
	}
	c.cancel = c.Cancel
	return c
}

// Start starts the command but does not wait for it to complete, and sets the
// Process field if it succeeds, as [exec.Cmd.Start] does. A Cmd can be started
// once. It fails with "exec: already started" after that.
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
	attr, err := c.processAttr()
	if err != nil {
		c.discard(err)
		return err
	}
	if c.ctx == nil {
		c.ctx = embeddedContext(&c.Cmd)
	}
	if c.ctx == nil && c.Cancel != nil {
		return c.startByExec(attr) // this is a mistake that it reports
	}
	s, err := c.openStdio()
	var onReaped func()
	if err == nil {
		onReaped, err = c.startWith(s, attr)
	} else {
		c.discard(err)
	}
	s.close(err == nil)
	if err != nil {
		return err
	}

	stats.started.Add(1)
	p := newChild(c)
	p.onReaped = onReaped
	c.pipes = nil
	copies := s.attach(p)
	live.add(p)
	c.child.Store(p)
	runtime.AddCleanup(c, dropChild, p.key)
	for _, f := range copies { // which may call any method of c
		go func() { p.copied(f()) }()
	}
	c.bindContext(p)
	return nil
}

// startWith has the embedded exec.Cmd start the process with files only, and
// nothing to cancel: os/exec then starts no goroutine, and keeps no hold of c. What
// it returns is to be called once the process is reaped, if not nil.
func (c *Cmd) startWith(s *stdio, attr *syscall.SysProcAttr) (onReaped func(), err error) {
	stdin, stdout, stderr := c.Stdin, c.Stdout, c.Stderr
	cancel, delay, original := c.Cancel, c.WaitDelay, c.SysProcAttr
	defer func() {
		c.Stdin, c.Stdout, c.Stderr = stdin, stdout, stderr
		c.Cancel, c.WaitDelay, c.SysProcAttr = cancel, delay, original
	}()
	c.Stdin, c.Stdout, c.Stderr = s.stdin, s.stdout, s.stderr
	c.Cancel, c.WaitDelay, c.SysProcAttr = nil, 0, attr
	return startProcess(&c.Cmd)
}

// processAttr returns c.SysProcAttr, or what stands in for it.
func (c *Cmd) processAttr() (*syscall.SysProcAttr, error) {
	if !c.ProcessGroup {
		return c.SysProcAttr, nil
	}
	return leaderAttr(c.SysProcAttr)
}

// discard has the embedded exec.Cmd fail to start, which closes the pipes that
// its StdinPipe, StdoutPipe and StderrPipe have made.
func (c *Cmd) discard(err error) {
	c.Err = err
	c.Cmd.Start()
	c.Err = nil
}

// Run starts the command and waits for it to complete, as [exec.Cmd.Run] does.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns its standard output, as
// [exec.Cmd.Output] does. If c.Stderr was nil and the command fails with an
// [*ExitError], that error's Stderr field holds the standard error, or the first and
// last 32 KiB of it.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("exec: Stdout already set")
	}
	var stdout bytes.Buffer
	c.Stdout = &stdout
	if c.Stderr == nil {
		c.Stderr = &edges{limit: 32 << 10}
	}
	err := c.Run()
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns its combined standard output and
// standard error, as [exec.Cmd.CombinedOutput] does.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("exec: Stdout already set")
	}
	if c.Stderr != nil {
		return nil, errors.New("exec: Stderr already set")
	}
	var output bytes.Buffer
	c.Stdout = &output
	c.Stderr = &output
	err := c.Run()
	return output.Bytes(), err
}

// StdinPipe returns a pipe that will be connected to the command's standard
// input when the command starts, as [exec.Cmd.StdinPipe] does. It is closed
// once the result of the command is known to any waiting method; close it
// sooner if the command reads to the end of its input.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	w, err := c.Cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.pipes = append(c.pipes, inPipe{w})
	return w, nil
}

// StdoutPipe returns a pipe that will be connected to the command's standard
// output when the command starts.
//
// Unlike that of [exec.Cmd.StdoutPipe] it is not closed because the process has
// ended, so it can be read before, during or after any Wait, and yields all that was
// written. It is closed when a Read has reached its end, by Close, when
// WaitDelay expires, and by the garbage collector. A pipe that has nothing left to
// read and nobody left to write is closed by the end of the process, too.
// Reading again after its end gives [io.EOF]; after Close or the end of WaitDelay, an
// error wrapping [os.ErrClosed].
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	return c.outPipe(c.Cmd.StdoutPipe())
}

// StderrPipe is to standard error what [Cmd.StdoutPipe] is to standard output.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	return c.outPipe(c.Cmd.StderrPipe())
}

func (c *Cmd) outPipe(r io.ReadCloser, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	p := &outPipe{File: r.(*os.File)}
	c.pipes = append(c.pipes, p)
	return p, nil
}
