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
// It is an [exec.Cmd] whose methods that run, wait for and signal the process are replaced by those
// of this package. The fields, String and Environ are those of os/exec. The zero value with only
// Path set is a usable command.
//
// An API that wants an *exec.Cmd and starts it can be given &c.Cmd; the methods below work after
// that. A command started by [Cmd.Start] must be waited for with the methods below, not with
// c.Cmd.Wait, which reaps the process but does not know the goroutines that copy its output.
//
// Before Start, a Cmd must not be used by more than one goroutine at a time. After Start, the
// methods that wait for or signal the process are safe for concurrent use. A Cmd must not be copied
// after Start.
type Cmd struct {
	exec.Cmd

	// If KillOnClose is set, Close kills the process, and so does the garbage collector when the
	// Cmd and its Process become unreachable. By default the process lives on. It must be set
	// before Start. Whether the process outlives this program depends on KillOnExit instead.
	//
	// With ProcessGroup, what is left of the group is killed, even if the process itself has ended
	// and was waited for.
	//
	// On systems other than Linux and Windows, a Cmd that becomes unreachable after a WaitContext
	// has given up is not killed: a goroutine still refers to its Process.
	KillOnClose bool

	// If KillOnExit is set, the process is killed when this program ends, even by a crash or by
	// kill -9. By default the process lives on. It must be set before Start. Close and the garbage
	// collector do not kill because of KillOnExit, but a process that they have given up is still
	// killed when the program ends.
	//
	// On Linux and FreeBSD only the process itself is killed, by means of SysProcAttr.Pdeathsig;
	// see the package documentation and prctl(2). The kernel clears the setting if the process
	// executes a file that changes its credentials, such as a set-user-ID one. On Windows the
	// process and everything it has started are killed, by means of a job object, whether or not
	// ProcessGroup is set. On other systems Start fails with an error wrapping
	// [errors.ErrUnsupported].
	KillOnExit bool

	// If ProcessGroup is set, the process leads a new process group, which its descendants belong
	// to unless they leave it. Kill, Signal, Shutdown, the default Cancel of CommandContext, the
	// end of WaitDelay and KillOnClose then apply to the whole group. It must be set before Start.
	// c.SysProcAttr is not written to. Start fails if SysProcAttr.Pgid names another group, and
	// with an error wrapping [errors.ErrUnsupported] on systems that have neither process groups
	// nor job objects, such as Plan 9.
	//
	// Signal and Kill return [os.ErrProcessDone] once no process of the group is alive. If the
	// process itself has joined another group, it is still signaled.
	//
	// On Linux 6.9 and later, the rest of the group can be signaled even after the process has
	// ended, until Close is called. This takes one more file descriptor, from Start until Close,
	// garbage collection or the end of the whole group. On older kernels and other Unix systems the
	// group is known by its ID alone, which is not used after the process was reaped because of PID
	// reuse. On Linux the process therefore remains a zombie while output is copied that the group
	// may hold open, and while the group is being shut down. On other Unix systems the group can't
	// be signaled any more once the process was waited for.
	//
	// On Windows the process is placed in a new job object before it runs, so everything it starts
	// belongs to the job and can't leave it, not even with CREATE_BREAKAWAY_FROM_JOB. The program
	// may run in a job itself; if that does not allow nested jobs, Start fails and the process
	// never runs. The whole job can be signaled until Close is called or the Cmd becomes
	// unreachable, whether or not the process has ended. Kill terminates the job. [os.Interrupt]
	// sends CTRL_BREAK_EVENT to its processes that share the console of this program, and fails if
	// none does. All other signals fail, as in os/exec. A process that was started through the
	// embedded exec.Cmd has no job.
	//
	// A new group is a background group: it does not receive the signals of the terminal's keys,
	// and it is stopped when it reads from the terminal. SysProcAttr with Foreground, or with
	// Setsid and Setctty, changes that. On Windows it does not receive Ctrl+C.
	//
	// If the command was started through the embedded exec.Cmd, ProcessGroup only has an effect if
	// the process leads a group when one of the methods below is first called, for example because
	// of Setsid. Its context is handled by os/exec, and has no effect after the process has ended.
	ProcessGroup bool

	started atomic.Bool // Start was called; placed here to avoid padding

	// If GracePeriod is greater than zero, the default Cancel of CommandContext lets the process
	// clean up: when the context is done, the process is sent SIGTERM and SIGCONT, and after
	// GracePeriod SIGKILL if it has not ended. With ProcessGroup this applies to the whole group,
	// and Wait does not return before the whole group has ended. Output that other processes still
	// hold open is then read for at most WaitDelay, or for a second if WaitDelay is zero. So this
	// ends a tree of processes that do not leave the group, in bounded time:
	//
	//	c := execx.CommandContext(ctx, "make")
	//	c.ProcessGroup = true
	//	c.GracePeriod = 5 * time.Second
	//	err := c.Run()
	//
	// If something can't be signaled, for example because it now runs as another user, or has not
	// ended five seconds after SIGKILL, Wait reports that, joined with the exit error if there is
	// one. As in os/exec, Wait waits for the process itself, and for a call of the Write method of
	// the program's own Stdout or Stderr to return. On Unix systems other than Linux, and on Linux
	// without /proc, the rest of the group is not signaled after its leader was waited for.
	//
	// On Windows, the process is asked to end as by [Cmd.Shutdown], which requires ProcessGroup.
	// Without it, and on Plan 9, the process is killed at once.
	//
	// GracePeriod has no effect if Cancel is replaced. The new Cancel can call [Cmd.Shutdown].
	GracePeriod time.Duration

	// If MaxOutput is greater than zero, Output and CombinedOutput collect at most that many bytes.
	// A process that writes more is killed, with ProcessGroup its whole group is, and the result of
	// the command is [ErrOutputTooLong]. It must be set before Start.
	MaxOutput int64

	ctx    context.Context // passed to CommandContext, or nil
	cancel func() error    // the Cancel set by CommandContext, or nil
	pipes  []pipe          // created by StdinPipe, StdoutPipe and StderrPipe
	stack  *creation.Stack // of the call of Command, or nil

	// child is nil until Start has succeeded. If the command was started through the embedded
	// exec.Cmd, it is nil until the first call of one of the methods below.
	child atomic.Pointer[child]
}

// Command returns the Cmd to execute the named program with the given arguments, as [exec.Command]
// does.
func Command(name string, arg ...string) *Cmd {
	return &Cmd{Cmd: *exec.Command(name, arg...), stack: creationStack()}
}

// CommandContext is like [Command] but includes a context.
//
// As with [exec.CommandContext], if ctx becomes done before the command has completed, c.Cancel is
// called, which by default kills the process, and c.WaitDelay bounds the time that Wait then takes.
// CommandContext panics if ctx is nil.
//
// The context ends the process. To end only a wait for it, use [Cmd.WaitContext]. By default the
// process has no time to clean up, and its descendants live on. To end all of them, politely first,
// use:
//
//	c.ProcessGroup = true
//	c.GracePeriod = 10 * time.Second
//
// Cancel is not called if the process has already ended, where that can be told (Linux and
// Windows): a command that has ended by itself is not reported as canceled. With c.ProcessGroup,
// Cancel is called nevertheless if Wait is still copying output, which the rest of the group may
// hold open. The end of ctx does not reap the process, which must still be waited for.
//
// A Cancel set by the program can call any method of its Cmd. Since the result of the command is
// not known before Cancel returns, methods that wait for the command wait for the process to end
// instead, and return the error of its exit status. If the command was started through the embedded
// exec.Cmd, they return nil.
//
// A Cancel set by the program keeps the Cmd reachable until the process has ended or, on systems
// other than Linux and Windows, until ctx is done. The default one does not: it kills the process
// even if the Cmd is no longer reachable.
//
// Unlike in os/exec, no goroutine waits for ctx, unless ctx is not of a type of package context;
// see the package documentation.
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

// StdinPipe returns a pipe that will be connected to the command's standard input when the command
// starts, as [exec.Cmd.StdinPipe] does. It is closed once a waiting method knows the result of the
// command. Close it sooner if the command reads to the end of its input.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	w, err := c.Cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.pipes = append(c.pipes, execPipe{w, true})
	return w, nil
}

// StdoutPipe returns a pipe that will be connected to the command's standard output when the
// command starts. Like an [os.File], it has the methods SetReadDeadline and WriteTo.
//
// Unlike the pipe of [exec.Cmd.StdoutPipe], it can be read before, during and after any Wait, and
// yields everything that was written until the result of the command was known. From then on reads
// don't block: they return what is in the pipe, then [io.EOF], even if another process still holds
// the pipe open. Reads that are blocked at that time return. (On Plan 9 they don't: they block
// until all processes have closed the pipe.)
//
// The pipe is closed when it was read to its end, by the end of the command if nothing is left to
// read and no process can write to it any more, and by Close of the Cmd if the result is not known
// by then. Otherwise it stays open until its reader closes it or it becomes unreachable. After its
// end, reads return [io.EOF]; after Close, they fail with an error wrapping [os.ErrClosed].
//
// If the pipe is the Stdin of another Cmd of this package, that process inherits the pipe itself.
// An exec.Cmd with this Stdin copies from it.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	return c.outPipe(c.Cmd.StdoutPipe())
}

// StderrPipe is like [Cmd.StdoutPipe] for the command's standard error.
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
