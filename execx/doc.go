// Package execx runs external commands as [os/exec] does, but does not block a thread to wait for
// each of them. To use it, change an import:
//
//	import exec "go.execx.dev/execx" // was "os/exec"
//
// Everything that os/exec exports is here under the same name and means the same. The differences:
//
//   - Waiting takes no thread. In os/exec each [Cmd.Wait] blocks one (go.dev/issue/15103), and the
//     Go runtime aborts a program that needs 10,000 of them.
//   - Any number of goroutines can wait for a command, any number of times, and all get the same
//     result. [Cmd.WaitContext] gives up when a context is done, [Cmd.WaitChan] is for select,
//     [Cmd.AfterWait] calls a function, and [Cmd.TryWait] never blocks (go.dev/issue/60481).
//   - [Cmd.StdoutPipe] and [Cmd.StderrPipe] can be read to the end after the command was waited
//     for.
//   - The context of [CommandContext] takes no goroutine. With [Cmd.GracePeriod] and
//     [Cmd.ProcessGroup] it ends a whole tree of processes, politely first.
//   - A command that the program forgets leaves no zombie (go.dev/issue/18881).
//
// # Waiting
//
// On Linux 5.4 and later, this package waits for a process by its pidfd, which [os.Process] holds
// anyway. One goroutine waits for all processes in the runtime's network poller. It exists only
// while something is being waited for.
//
// On Linux without pidfds, that is on older kernels and in sandboxes that refuse the calls, one
// goroutine checks all children that are being waited for whenever a SIGCHLD arrives. The program
// may handle, reset or ignore that signal; if it does not reach this package, the end of a process
// is noticed within about a second. If there is a /proc, the time at which a process was started
// tells it from another one that reuses its PID. Without a /proc, PID reuse is as much of a risk as
// under os/exec.
//
// On Windows the system's thread pool waits, with a thread for every 63 processes. One goroutine,
// blocked in a thread of its own, passes on the results.
//
// On other operating systems one goroutine per process is blocked in [os.Process.Wait], however
// many goroutines wait for that process. The results are the same everywhere.
//
// # Reaping
//
// A process that has ended is a zombie, and keeps its PID, until it is reaped. This package reaps
// it for one of three reasons only:
//
//   - A waiting method was called: Wait, WaitContext, WaitChan, AfterWait, TryWait or Shutdown, or
//     Run, Output or CombinedOutput.
//   - [Cmd.Close] was called.
//   - The program can no longer name it: the Cmd is unreachable, and so is its [os.Process], unless
//     that was released.
//
// In the last case, on Linux, the process stays a zombie for one to two seconds, so that a program
// that has kept its PID and waits for that gets its status. It also stays a zombie for as long as
// the program has another pidfd of it, from [os.FindProcess] or SysProcAttr.PidFD for instance; to
// find out takes a /proc. The last reason never applies to a process that was started with
// SysProcAttr.Ptrace, because its stops and its end are its tracer's; on Linux without pidfds, to
// one that can't be told from another with the same PID for want of a /proc; and on other Unix
// systems, to one that was released.
//
// The end of a context does not reap, as under os/exec.
//
// The garbage collector decides what is unreachable. It finds a Cmd first, and its os.Process in
// the collection after that. It does not find:
//
//   - A command that os/exec has started, through the embedded exec.Cmd, with a Stdin, Stdout or
//     Stderr that is not an [*os.File], or with a context and a Cancel or WaitDelay. It has to be
//     waited for or closed, because only os/exec's Wait ends its goroutines.
//   - A command with a Cancel of the program's own, until the process has ended, because Cancel may
//     still have to be called. On systems other than Linux and Windows, until the context has
//     ended.
//   - A command that a WaitChan or an AfterWait waits for, until it has its result.
//   - A command that its own Stdin, Stdout or Stderr refers to, until the copying ends.
//
// On systems other than Linux and Windows, the goroutine of a WaitContext that has given up keeps
// waiting, and reaps. There, this package sets a finalizer on the os.Process of an unreachable Cmd.
//
// Windows has no zombies. There, to reap a process means to close its handle, which allows the
// system to reuse its PID. The same reasons and times apply.
//
// Another part of the program may reap the process first, with wait4(2) or by ignoring SIGCHLD.
// Then waiting returns what it would have returned otherwise if the kernel reports how the process
// ended (Linux 6.15), and c.ProcessState has the PID and the status of the process, but no times.
// If the kernel does not, or if a call of c.Process.Wait has reaped the process, waiting fails with
// the error of os/exec, an [*os.SyscallError] that wraps [syscall.ECHILD], up to about a second
// later than os/exec does.
//
// A stopped process has not ended, whether or not this program traces it. Only for a process that
// was started with SysProcAttr.Ptrace, Wait returns the first stop as an [*ExitError], as under
// os/exec.
//
// # Standard streams
//
// As in os/exec, a Stdin, Stdout or Stderr that is not an [*os.File] is copied by a goroutine, and
// Wait waits for it. Output is copied until its end, so a descendant of the process that keeps the
// output open keeps Wait waiting, unless WaitDelay is set.
//
// WaitDelay begins, as in os/exec, when the process has been waited for or Cancel has returned,
// whichever comes first. When it expires, the process is killed if it has not ended, this program's
// ends of the pipes that are copied are closed, and Wait returns [ErrWaitDelay] if there is no
// other error. Unlike in os/exec, Wait then returns even if a Read of the program's own Stdin
// blocks. A pipe made by [Cmd.StdoutPipe] or [Cmd.StderrPipe] stays its reader's. A WaitDelay of
// zero means no limit. But once the context of [Cmd.Shutdown] is done, [Cmd.GracePeriod] has ended
// the command, or the output has exceeded [Cmd.MaxOutput], zero means a second.
//
// The pipes of StdoutPipe and StderrPipe have the method SetReadDeadline of an os.File, and that of
// [Cmd.StdinPipe] has SetWriteDeadline, on systems where pipes can have deadlines:
//
//	stdout.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(t)
//
// A deadline still applies when the command has ended: after it, reads fail with an error that
// wraps [os.ErrDeadlineExceeded] until the end of the pipe was read.
//
// # Contexts
//
// If its context is done, [Cmd.Start] fails with the error of the context, [Cmd.WaitContext] and
// [Cmd.WaitChan] return the result if it is known and else the error of the context, and
// [Cmd.Shutdown] gives SIGTERM a quarter of a second before it sends SIGKILL. When the context of a
// running command is done, Cancel is called, and Wait still waits for the process and its output:
// only WaitDelay, or GracePeriod, limits that.
//
// A context that is made by package context, with WithCancel, WithTimeout, WithDeadline or
// WithValue, or by [os/signal.NotifyContext], takes no goroutine, wherever it is used here. A
// context of another type takes one, which ends with the command or the wait; so does one that
// WithValue has derived from such a context. As under os/exec, only the methods Done and Err of a
// context are called, from any goroutine and any number of times.
//
// # Pdeathsig
//
// On Linux, the kernel sends SysProcAttr.Pdeathsig when the thread ends that started the process;
// see prctl(2). Threads of Go end at any time (go.dev/issue/27505). [Cmd.Start] therefore starts
// such processes from a thread of their own, which exists while any of them does. So the signal is
// sent when the program ends, and not before. With SysProcAttr.Ptrace, or in a goroutine that has
// called [runtime.LockOSThread], Start uses the thread of the caller, as c.Cmd.Start does, and the
// signal is sent when that ends.
//
// # Limits on processes
//
// If RLIMIT_NPROC or the limit of a container allows no more processes, Start fails with
// [syscall.EAGAIN], as under os/exec. Threads count as well, and the Go runtime aborts a program
// that can't have a thread that it needs ("newosproc"), whatever it needs it for. The thread for
// Pdeathsig is one. Start checks first whether there is room for that thread, and fails with EAGAIN
// if not, but another process may take the room in between. A program that can't risk that should
// stay away from the limit, or keep a process with Pdeathsig running from its beginning.
//
// # Debugging
//
// With GODEBUG=execwait=1 in the environment of the program, the garbage collector logs a command
// that it finds unreachable together with its os.Process, started but neither waited for nor
// closed. It calls [log/slog.Warn] with the command and its PID. execwait=2 adds the stack of the
// call of [Command] or [CommandContext] that made it. os/exec panics instead.
//
// [Live] lists the commands that were started and not reaped, [ReadStats] counts what has become of
// all of them, and package execxtest makes a test fail that leaves a process behind.
//
// # Forks, syscall.Exec and bubbles
//
// Every descriptor that this package opens is closed on exec. After [syscall.Exec], the new image
// still has the children of the old one, but nothing to wait for them with: it may call wait4(2),
// or [ReapAdopted] where that is available. Nothing is killed, even if KillOnClose is set; pipes of
// this package are closed, which ends most children that use them. A process that re-executes
// itself as a daemon, by starting a command and exiting, leaves its children to the init process,
// as under os/exec.
//
// In a bubble of [testing/synctest] a command works as under os/exec: [Cmd.Wait],
// [Cmd.WaitContext], [Cmd.Shutdown] and [AwaitExit] are not durably blocking, so time stands still
// until the process has ended. Therefore a context with a timeout, or a GracePeriod, ends a process
// that obeys, but not one that ignores SIGTERM. Do not use [Cmd.WaitChan], [Cmd.AfterWait] and
// [DrainOrphans] in a bubble. One goroutine watches all processes of a program. If the wait that
// starts it is in a bubble, the goroutine is part of the bubble, which then does not end before
// nothing is waited for outside of it either. On Linux without pidfds, and for [ReapAdopted], a
// program has to call [os/signal.Notify] outside of any bubble first, because the Go runtime aborts
// if its first call is in one.
package execx
