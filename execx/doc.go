// Package execx runs external commands as [os/exec] does and, on Linux and Windows, does not block
// a thread for each command that is waited for. To use it, change an import:
//
//	import exec "go.execx.dev/execx" // was "os/exec"
//
// The package exports everything that os/exec exports, under the same names and with the same
// behavior, except where noted. The main differences are:
//
//   - On Linux and Windows, waiting does not block a thread for each process. In os/exec it does
//     (go.dev/issue/15103), and by default the Go runtime aborts a program with 10,000 threads.
//   - Any number of goroutines can wait for a command, any number of times, and all of them get the
//     same result. [Cmd.WaitContext] returns early when a context is done, [Cmd.WaitChan] is for
//     select statements, [Cmd.AfterWait] calls a function, and [Cmd.TryWait] never blocks
//     (go.dev/issue/60481).
//   - The pipes of [Cmd.StdoutPipe] and [Cmd.StderrPipe] can still be read after Wait has returned.
//   - The context of [CommandContext] usually needs no goroutine. With [Cmd.GracePeriod] and
//     [Cmd.ProcessGroup] it terminates the whole process group, first with SIGTERM, then with
//     SIGKILL.
//   - A command that becomes unreachable without a call to Wait leaves no zombie
//     (go.dev/issue/18881); see Reaping below.
//
// [Cmd] is a type of its own, which embeds an [exec.Cmd]. Composite literals, and functions that
// take an *exec.Cmd, therefore need the embedded one. Here and below, exec is os/exec:
//
//	c := &execx.Cmd{Cmd: exec.Cmd{Path: path}}
//	f, err := pty.Start(&c.Cmd)
//
// # Waiting
//
// The waiting methods are [Cmd.Wait], [Cmd.WaitContext], [Cmd.WaitChan], [Cmd.AfterWait],
// [Cmd.TryWait] and [Cmd.Shutdown]. [Cmd.Run], [Cmd.Output] and [Cmd.CombinedOutput] call Wait. The
// result of a command is known once a waiting method has found that the process has ended and has
// reaped it, the copying of its standard streams has ended or was abandoned because of WaitDelay,
// and Cancel, if it was called, has returned. From then on every waiting method returns that
// result.
//
// On Linux 5.4 and later, this package waits for a process by its pidfd, which [os.Process] holds
// anyway. A single goroutine watches all pidfds through the runtime's network poller. It exists
// only while a process is being waited for.
//
// On Linux without pidfds, that is, on older kernels and in sandboxes that refuse the system calls,
// a goroutine checks all children that are being waited for whenever a SIGCHLD arrives. The program
// may handle or reset that signal; if SIGCHLD does not reach this package, the end of a process is
// noticed within about a second. If /proc is available, the start times of processes are used to
// detect PID reuse. Otherwise the risk is the same as in os/exec.
//
// On Windows, the system's thread pool waits, with one thread for every 63 processes. One
// goroutine, blocked in a thread of its own, passes on the results.
//
// On other operating systems, one goroutine is blocked in [os.Process.Wait] for each process that
// is being waited for, no matter how many goroutines wait for it. Except where noted, the waiting
// methods return the same on all systems.
//
// # Reaping
//
// A process that has ended is a zombie, and keeps its PID, until it is reaped. This package reaps
// the process of a Cmd only if
//
//   - a waiting method waits for it when it ends, or is called after it has ended,
//   - [Cmd.Close] was called, or
//   - the Cmd is unreachable, and its [os.Process] is unreachable as well or was released.
//
// In the last case, on Linux, the process remains a zombie for one to two seconds, so that code
// that has kept only the PID can still wait for it with wait4(2). It also remains a zombie while
// the program has another pidfd for it, for example from [os.FindProcess] or SysProcAttr.PidFD;
// without /proc this can't be detected, and the process is reaped. It is never reaped in this way
// if
//
//   - it was started with SysProcAttr.Ptrace, because only its tracer may wait for it,
//   - on systems other than Linux and Windows, it was released, or started through the embedded
//     exec.Cmd, or
//   - on Linux, there are neither pidfds nor a /proc to detect PID reuse.
//
// As in os/exec, killing a process because its context is done does not reap it.
//
// A Cmd that becomes unreachable is detected after two garbage collections: one for the Cmd, and
// one for its os.Process. These do not become unreachable:
//
//   - A command that was started through the embedded exec.Cmd, if its Stdin, Stdout or Stderr is
//     neither nil nor an [*os.File], or if it has a context and a Cancel or WaitDelay. It must be
//     waited for or closed, or the goroutines that os/exec has started for it may never end.
//   - A command whose Cancel was set by the program, until the process has ended or, on systems
//     other than Linux and Windows, until the context is done. Until then, Cancel may still have to
//     be called.
//   - A command that a WaitChan or an AfterWait waits for, until the result is known, the context
//     of the WaitChan is done, or the AfterWait was stopped.
//   - A command that its own Stdin, Stdout or Stderr refers to, until the copying ends.
//
// On systems other than Linux and Windows, once a waiting method was called, a goroutine waits for
// the process and reaps it, even if the method has returned early. There, a program must not set a
// finalizer on the os.Process of a Cmd, because this package does.
//
// Windows has no zombies. There, to reap a process means to close its handle, which allows the
// system to reuse its PID. The same rules apply; the handle of an unreachable process is closed one
// to two seconds after the process has ended.
//
// Another part of the program may reap the process first, with wait4(2), or the kernel may, if the
// program ignores SIGCHLD. If the kernel still reports how the process ended (Linux 6.15 and
// later), the waiting methods return what they would have returned otherwise, and c.ProcessState
// holds the PID and the status of the process, but its times are zero. On older kernels, or if a
// call to c.Process.Wait has reaped the process, they fail with the same error as in os/exec, an
// [*os.SyscallError] that wraps [syscall.ECHILD]. They may do so up to about a second later than in
// os/exec.
//
// A stopped process has not ended, and Wait does not return when a process stops. The exception, as
// in os/exec, is a process that was started with SysProcAttr.Ptrace: Wait returns its first stop as
// an [*ExitError], which remains the result of the command, and the tracer has to reap the process.
//
// # Standard streams
//
// As in os/exec, if Stdin, Stdout or Stderr is neither nil nor an [*os.File], a goroutine copies
// it, and Wait waits for that goroutine. Output is copied to its end, so Wait blocks while a
// descendant of the process keeps the output open, unless WaitDelay is set.
//
// The WaitDelay timer starts when a waiting method finds that the process has ended or when Cancel
// returns, whichever is first. It does not start while Cancel is running, so it does not shorten
// GracePeriod. When the timer expires, the process is killed if it has not ended, this program's
// ends of the pipes that are copied are closed, and Wait returns [ErrWaitDelay] if there is no
// other error. Unlike in os/exec, Wait then returns even if c.Stdin.Read is blocked, though not if
// c.Stdout.Write or c.Stderr.Write is, and the pipes returned by [Cmd.StdoutPipe] and
// [Cmd.StderrPipe] are not closed. A WaitDelay of zero means no limit, except that one second is
// used once the context of [Cmd.Shutdown], or that of a command with [Cmd.GracePeriod], is done, or
// [Cmd.MaxOutput] was exceeded.
//
// The pipes of StdoutPipe and StderrPipe have the method SetReadDeadline of an os.File, and that of
// [Cmd.StdinPipe] has SetWriteDeadline. Both fail with [os.ErrNoDeadline] on systems whose pipes
// have no deadlines, such as Windows:
//
//	stdout.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(t)
//
// A read deadline still applies when the command has ended: after the deadline, reads fail with an
// error that wraps [os.ErrDeadlineExceeded], even if there is data left in the pipe, unless the end
// of the pipe was already read.
//
// # Contexts
//
// If the context of the command is already done, [Cmd.Start] fails with the error of the context.
// If the context passed to one of these is already done:
//
//   - [Cmd.WaitContext] and [Cmd.WaitChan] return the result of the command if [Cmd.TryWait] would,
//     and the error of that context otherwise.
//   - [Cmd.Shutdown] sends SIGTERM, and SIGKILL a quarter of a second later.
//
// When the context of a running command becomes done, Cancel is called. Wait still waits for the
// process and its output; only WaitDelay or GracePeriod limits that.
//
// A context made by package context or by [os/signal.NotifyContext] needs no goroutine, wherever it
// is used in this package. A context of another type, or derived from one by WithValue, needs a
// goroutine, which ends with the command or the wait. As in os/exec, only the methods Done and Err
// of such a context are called.
//
// # Pdeathsig
//
// On Linux, the kernel sends SysProcAttr.Pdeathsig when the thread that started the process ends;
// see prctl(2). The Go runtime may end a thread at any time (go.dev/issue/27505). [Cmd.Start]
// therefore starts such processes from a dedicated thread, which exists as long as any of them
// does, so the signal is sent when the program ends, and not before. With SysProcAttr.Ptrace, or if
// the calling goroutine is locked to its thread by [runtime.LockOSThread] or belongs to a bubble of
// [testing/synctest], Start uses the calling thread, as c.Cmd.Start does, and the signal is sent
// when that thread ends. Starts on the dedicated thread take turns, so many concurrent ones take
// longer than in os/exec.
//
// # Limits on processes
//
// If RLIMIT_NPROC or the limit of a container allows no more processes, Start fails with
// [syscall.EAGAIN], as in os/exec. Threads count as processes, and the Go runtime aborts the
// program ("newosproc") if it can't create a thread. This may happen when Start creates the thread
// for Pdeathsig. Start fails with EAGAIN if there is no room for it, but another process may use up
// that room between the check and the creation. To avoid this, keep a process with Pdeathsig
// running from the start of the program.
//
// # Debugging
//
// With GODEBUG=execwait=1 in the environment of the program, this package calls [log/slog.Warn]
// with the command and its PID if a command was started but neither waited for nor closed when it
// and its os.Process are garbage collected. execwait=2 adds the stack of the call to [Command] or
// [CommandContext] that created it. os/exec panics instead.
//
// [Live] lists the commands that were started and not yet reaped, [ReadStats] returns counters, and
// package execxtest fails tests that leave a process behind.
//
// # Replacing the program
//
// Every file descriptor that this package opens is closed on exec. After [syscall.Exec], the
// children are still children of the process, but no Cmd refers to them: the new program can reap
// them with wait4(2) or [ReapAdopted]. KillOnClose does not kill them. Those with KillOnExit or
// Pdeathsig are sent their signal, because syscall.Exec ends all other threads. The pipes of this
// package are closed, so a child may read EOF, or be killed by SIGPIPE.
//
// # Bubbles
//
// In a bubble of [testing/synctest], [Cmd.Wait], [Cmd.WaitContext], [Cmd.Shutdown] and [AwaitExit]
// are not durably blocking, as in os/exec. So the time of the bubble does not advance while one of
// them is blocked, and the timeout of a context, GracePeriod and WaitDelay do not expire. Do not
// use [Cmd.WaitChan], [Cmd.AfterWait] or [DrainOrphans] in a bubble.
//
// A wait in a bubble blocks a thread until the process has ended, as in os/exec, even if the wait
// returns early, and the bubble lasts until then. In a bubble, [ReapAdopted] does not react to
// SIGCHLD, and checks the children every ten seconds of the bubble's time.
package execx
