// Package execx runs external commands as [os/exec] does, and waits for them without a thread each.
// It is used by changing an import:
//
//	import exec "go.execx.dev/execx" // was "os/exec"
//
// Everything that os/exec exports is here under the same name, and means the same. What is
// different:
//
//   - Waiting costs no thread. In os/exec each [Cmd.Wait] blocks one (go.dev/issue/15103), and the
//     Go runtime aborts a program that needs 10,000 of them.
//   - Any number of goroutines can wait for a command, as often as they like, and all get the same
//     result. [Cmd.WaitContext] gives up when a context is done, [Cmd.WaitChan] is for select, and
//     [Cmd.TryWait] never blocks (go.dev/issue/60481).
//   - [Cmd.StdoutPipe] and [Cmd.StderrPipe] can be read to the end after the command was waited
//     for.
//   - The context of [CommandContext] costs no goroutine, and with [Cmd.GracePeriod] and
//     [Cmd.ProcessGroup] it ends a whole tree of processes, politely first.
//   - A command that the program has dropped leaves no zombie (go.dev/issue/18881).
//
// # Waiting
//
// On Linux 5.4 and later, a process is waited for by its pidfd, the one that [os.Process] holds
// anyway. One goroutine waits for all of them in the runtime's network poller, and exists only
// while something is being waited for.
//
// On Linux without pidfds, that is on older kernels and under sandboxes that refuse the calls, one
// goroutine looks at all children that are being waited for whenever a SIGCHLD arrives. The program
// may handle, reset or ignore that signal as it likes; if it does not reach this package, ends are
// seen within about a second. A number that was given to another process is told by the time at
// which that was started, if there is a /proc; else it is as much of a risk as under os/exec.
//
// On Windows the system's thread pool waits, with a thread for each 63 processes, and one
// goroutine, blocked in a thread of its own, passes on what it says.
//
// On other operating systems each process waited for has a goroutine blocked in [os.Process.Wait],
// whichever the number of waiters. The results are the same everywhere.
//
// # Reaping
//
// A process that has ended is a zombie, and keeps its number, until it is reaped. This package
// reaps it for one of three reasons only:
//
//   - a waiting method was called: Wait, WaitContext, WaitChan, AfterWait, TryWait or Shutdown, or
//     Run and its like;
//   - [Cmd.Close] was called;
//   - the program can't name it any longer: both its Cmd and its [os.Process] are garbage, or the
//     Cmd is and Process.Release was called.
//
// In the last case it is, on Linux, left a zombie for one to two seconds, so that a program that
// has kept its number, and waits for that, gets its status. It is left for as long as there is a
// pidfd of it in the program, of [os.FindProcess] or SysProcAttr.PidFD for instance, which takes a
// /proc to find out. Never reaped for the last reason are: a process that was started with
// SysProcAttr.Ptrace, as its stops and its end are its tracer's; on Linux without pidfds, one that
// can't be told from another of the same number, for want of a /proc; and on other Unix systems,
// one that was released.
//
// The end of a context reaps nothing, as under os/exec.
//
// Garbage is what the garbage collector has found to be so, which it does for a Cmd first and for
// its os.Process in the collection after that. Out of its reach are:
//
//   - commands that os/exec has started, through the embedded exec.Cmd, with a Stdin, Stdout or
//     Stderr that is not an [*os.File], or with a context and Cancel or WaitDelay: they are left to
//     be waited for or closed, as only os/exec's Wait ends its goroutines;
//   - commands with a Cancel of the program's own, until the process has ended: it is to be called;
//     on systems other than Linux and Windows until the context has;
//   - commands that a WaitChan or an AfterWait waits for, until it has its result;
//   - commands that their own Stdin, Stdout or Stderr refers to, until the copying ends.
//
// On systems other than Linux and Windows the goroutine of a WaitContext that has given up goes on,
// and reaps. A finalizer is set on the os.Process of a Cmd that is garbage there.
//
// Windows has no zombies: to be reaped means there that the handle of the process is closed, which
// makes room for its number to be given away. The same reasons and times apply.
//
// If another part of the program reaps the process behind the command's back, with wait4(2), or
// because it ignores SIGCHLD, waiting returns what it would have returned otherwise where the
// kernel tells how the process has ended (Linux 6.15), and c.ProcessState has the number and the
// status of the process, but no times. Otherwise, and if it was reaped through c.Process.Wait,
// waiting fails with what os/exec returns, an [*os.SyscallError] that wraps [syscall.ECHILD], up to
// about a second later.
//
// A stop of a process is not its end, be it traced by this program or not. Only if it was started
// with SysProcAttr.Ptrace, Wait returns what it does under os/exec: the first stop, as an
// [*ExitError].
//
// # Contexts
//
// A context made by package context, with WithCancel, WithTimeout, WithDeadline or WithValue, or by
// [os/signal.NotifyContext], costs no goroutine, wherever it is used here. One of another type is
// bound with a goroutine, which ends with the command or the wait; so is one that was made from
// such a one by WithValue. As under os/exec, nothing is called of it but Done and Err, from any
// goroutine and any number of times.
//
// # Limits on processes
//
// Where no process can be had, because of RLIMIT_NPROC or in a container with a limit, Start fails
// with [syscall.EAGAIN], as under os/exec. Threads count as well, and a program in Go that can't
// have a thread that it needs is aborted by the runtime ("newosproc"), whatever it needs that for.
// SysProcAttr.Pdeathsig needs one, as it is sent when a thread ends: the processes that have it are
// started from a thread of their own, which is there while any of them is. Start looks first
// whether there is room for that thread, and fails with EAGAIN if not, but another process may take
// the room in between. A program that can't risk that keeps away from the limit, or has a process
// with Pdeathsig running from its beginning.
//
// # Forks, syscall.Exec and bubbles
//
// Every descriptor that this package opens is closed on exec. After [syscall.Exec], the new image
// still has the children of the old one, but nothing to wait for them with: it may call wait4(2),
// or [ReapAdopted] where that is available. Nothing is killed, KillOnClose or not; pipes of this
// package are closed, which ends most children that use them. A process that re-executes itself as
// a daemon by starting a command and exiting leaves its children to the init process, as under
// os/exec.
//
// In a bubble of [testing/synctest] a command works as one of os/exec does: [Cmd.Wait],
// [Cmd.WaitContext], [Cmd.Shutdown] and [AwaitExit] do not count as durably blocking, so time
// stands still until the process has ended: a context with a timeout, or a GracePeriod, ends what
// obeys, but no process that ignores SIGTERM. [Cmd.WaitChan], [Cmd.AfterWait] and [DrainOrphans]
// are not for use there. All processes of a program are watched by one goroutine. If the wait that
// starts it is in a bubble it is part of the bubble, which then ends once nothing is waited for,
// outside of it either. On Linux without pidfds, and for [ReapAdopted], a program has to call
// [os/signal.Notify] outside of any bubble first: the Go runtime aborts if its first call is in
// one.
package execx
