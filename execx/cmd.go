package execx

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

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
	// before Start. By default the process lives on. What becomes of it when the program
	// ends is for KillOnExit to say.
	//
	// On systems other than Linux and Windows, a Cmd that is dropped after a WaitContext has
	// given up is not killed: a goroutine still has its Process.
	//
	// If ProcessGroup is set, too, both kill what is left of the group, even
	// if the process itself has ended and was waited for.
	KillOnClose bool

	// KillOnExit has the process killed when this program ends, also by a crash or kill -9. Set it
	// before Start. By default the process lives on. Close and the garbage collector do not
	// kill for KillOnExit, but a process that they have given up is still killed when the program
	// ends.
	//
	// On Linux and FreeBSD it is the process alone that is killed, by SysProcAttr.Pdeathsig: see there,
	// and prctl(2). The kernel takes that back if the process executes a file that gives it other rights, a
	// set-user-ID one for instance. On Windows it is the process and all that it has started, by
	// a job object, whether or not ProcessGroup is set. Elsewhere Start fails with an error wrapping
	// [errors.ErrUnsupported].
	KillOnExit bool

	// ProcessGroup has the process lead a new process group, of all that it
	// starts and that does not leave the group. Kill, Signal and Shutdown, the
	// context of CommandContext by the default Cancel, the end of WaitDelay, and
	// KillOnClose then reach the whole group. Set it before Start.
	//
	// On Linux 6.9 and later, the group is also reached when the process has
	// ended, until Close is called: what it has left behind is. It takes one descriptor more,
	// from Start until Close or garbage collection, or until all of it was ended. Elsewhere the
	// group is known by its number, which is not used once the process was reaped. On Linux
	// the process therefore stays a zombie while output is copied that the group may have, and
	// while the group is being ended; on other Unix systems the group is not reached any more when
	// the process has been waited for.
	//
	// On Windows the process is put into a job object of its own before it runs: so all that it
	// starts is in the job, too, and nothing can leave that, not even with
	// CREATE_BREAKAWAY_FROM_JOB. The program may be in a job itself; if that does not allow others
	// within, Start fails, and the process never runs. The whole job is reached until Close is
	// called or the Cmd is garbage, whether or not the process has ended. Kill terminates it, and
	// [os.Interrupt] sends CTRL_BREAK_EVENT to those in it that share the console of this program,
	// or fails if none does. Signal fails for all other signals, as under os/exec. A process that was
	// started through the embedded exec.Cmd has no job.
	//
	// Signal and Kill fail with [os.ErrProcessDone] once nothing of the group is alive. A process
	// that has joined another group since is still reached itself.
	//
	// A new group is a background one: it does not get the signals of the
	// terminal's keys, and is stopped if it reads the terminal; SysProcAttr
	// with Foreground, or Setsid and Setctty, changes that. (On Windows, it does not
	// get Ctrl+C.) Start fails if SysProcAttr.Pgid has the process join another group, and
	// with an error wrapping [errors.ErrUnsupported] where there are neither process
	// groups nor jobs, as on Plan 9. c.SysProcAttr is not written to.
	//
	// If the command was started through the embedded exec.Cmd, ProcessGroup
	// counts only if the process leads a group by the time that one of the
	// methods below is called, because of Setsid for instance. Its context is then
	// os/exec's, and has no say any more once the process has ended.
	ProcessGroup bool

	started atomic.Bool // Start was called; here, because there is room

	// GracePeriod, if it is greater than zero, makes the Cancel polite that CommandContext sets:
	// when the context is done, the process is sent SIGTERM and SIGCONT, and GracePeriod later
	// SIGKILL if it has not ended. With ProcessGroup all of this is about the whole group, and
	// Wait does not return before all of that has ended. Output that others may still have open
	// is then waited for as long as WaitDelay, or for a second if that is zero. So this ends a tree
	// of processes, unless they leave the group, and returns in bounded time:
	//
	//	c := execx.CommandContext(ctx, "make")
	//	c.ProcessGroup = true
	//	c.GracePeriod = 5 * time.Second
	//	err := c.Run()
	//
	// What could not be signalled, because it is another user's by now, or has not ended five
	// seconds after SIGKILL, is reported by Wait, beside the exit error if there is one. Wait
	// waits for the process itself, and for a Write of the program's own that has been called,
	// as under os/exec. On Unix systems other than Linux, and without a /proc, what is left of a
	// group is not reached when its leader has been waited for.
	//
	// On Windows a process is asked to end as [Cmd.Shutdown] does, which takes ProcessGroup.
	// Without it, and on Plan 9, the process is killed at once. GracePeriod has no effect if Cancel is replaced: that can
	// call [Cmd.Shutdown].
	GracePeriod time.Duration

	// MaxOutput, if it is greater than zero, is the most bytes that Output and
	// CombinedOutput collect of the standard output, or of both. A process that writes
	// more is killed, and with ProcessGroup its group, and the result of the command is
	// [ErrOutputTooLong]. Set it before Start.
	MaxOutput int64

	ctx    context.Context // of CommandContext, or nil
	cancel func() error    // the Cancel that CommandContext has set, or nil
	pipes  []pipe          // made by StdinPipe, StdoutPipe and StderrPipe
	stack  *creation.Stack // of the caller of Command, or nil

	// child is nil until Start has succeeded or, if the command was started
	// through the embedded exec.Cmd, until something is first asked about it.
	child atomic.Pointer[child]
}

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
// [Cmd.WaitContext]. SIGKILL leaves a process no time to clean up, and what it has started
// lives on. To end all of it, politely, and by force only if it takes too long:
//
//	c.ProcessGroup = true
//	c.GracePeriod = 10 * time.Second
//
// Cancel is not called for a process that has ended, which is looked at first where
// the system allows (Linux and Windows): what has ended by itself is not reported as cancelled. But with
// c.ProcessGroup it is called if the command waits for output that is copied, which what is left of
// the group may have. The process is not reaped by the end of ctx, but is still to be waited for.
//
// A Cancel of the program's own can call any method of its Cmd. Those that wait for the
// command then wait for the process to end, and return what that amounts to: the result
// waits for Cancel. Of a command that os/exec has started, through the embedded exec.Cmd, they
// return nil then.
//
// A Cancel of the program's own keeps the Cmd from being garbage until the process has
// ended, or where that can't be seen (systems other than Linux and Windows) until ctx is done. The
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
		_, err := p.cancelByDefault(c.GracePeriod)
		return err
	}
	c.cancel = c.Cancel
	return c
}

// Run starts the command and waits for it to complete, as [exec.Cmd.Run] does.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
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
	c.pipes = append(c.pipes, execPipe{w, true})
	return w, nil
}

// StdoutPipe returns a pipe that will be connected to the command's standard
// output when the command starts. It has the methods SetReadDeadline and WriteTo of
// an [os.File], too.
//
// Unlike that of [exec.Cmd.StdoutPipe] it can be read before, during or after any Wait,
// and yields all that was written until the result of the command was known. From then
// on a read never blocks: it returns what is in the pipe, and then [io.EOF], whoever else
// may still have the pipe open. Reads that are under way then are woken. (On Plan 9,
// they are not: they last until everybody has closed the pipe.)
//
// The pipe is closed when its end was read, and by Close, if that is called before
// the result is known. Otherwise what it holds is the reader's, until it is garbage. A pipe
// that has nothing left to read and nobody left to write is closed by the end of the command.
// Reading again after its end gives [io.EOF]; after Close, an error
// wrapping [os.ErrClosed].
//
// If it is the Stdin of another Cmd of this package, that process gets the pipe itself.
// os/exec copies from it.
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
