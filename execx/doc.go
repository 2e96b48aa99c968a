// Package execx runs external commands as [os/exec] does, and waits for them
// without a thread each. It is used by changing an import:
//
//	import exec "go.execx.dev/execx" // was "os/exec"
//
// Everything that os/exec exports is here under the same name, and means the
// same. What is different:
//
//   - Waiting costs no thread. In os/exec each [Cmd.Wait] blocks one
//     (go.dev/issue/15103), and the Go runtime aborts a program that needs
//     10,000 of them.
//   - Any number of goroutines can wait for a command, as often as they like, and
//     all get the same result. [Cmd.WaitContext] gives up when a context is
//     done, [Cmd.WaitChan] is for select, and [Cmd.TryWait] never blocks
//     (go.dev/issue/60481).
//   - [Cmd.StdoutPipe] and [Cmd.StderrPipe] can be read to the end after the
//     command was waited for.
//   - The context of [CommandContext] costs no goroutine, and a process that it
//     ends is reaped even if nobody waits.
//
// # Waiting
//
// On Linux 5.4 and later, a process is waited for by its pidfd, the one that
// [os.Process] holds anyway. One goroutine waits for all of them in the
// runtime's network poller, and exists only while something is being
// waited for.
//
// On Linux without pidfds, that is on older kernels and under sandboxes that refuse
// the calls, one goroutine looks at all children that are being waited for
// whenever a SIGCHLD arrives. The program may handle, reset or ignore that signal as it
// likes; if it does not reach this package, ends are seen within about a second.
// That a number is given to another process is then as much of a risk as under os/exec.
//
// On other operating systems each process waited for has a goroutine blocked in
// [os.Process.Wait], whichever the number of waiters. The results are the same
// everywhere.
//
// A process is reaped as soon as it has ended and anybody waits for it; a
// process that nobody has asked about stays a zombie, as under os/exec, and keeps
// its number.
//
// If another part of the program reaps the process behind the command's back,
// by calling c.Process.Wait for instance, waiting fails with an error wrapping
// [syscall.ECHILD], up to about a second later.
//
// # Forks, syscall.Exec and bubbles
//
// Every descriptor that this package opens is closed on exec. After [syscall.Exec], the
// new image still has the children of the old one, but nothing to wait for them
// with: it may call wait4(2), or [ReapAdopted] where that is available. Nothing is
// killed, KillOnClose or not; pipes of this package are closed, which ends most children
// that use them. A process that re-executes itself as a daemon by starting a command
// and exiting leaves its children to the init process, as under os/exec.
//
// In a bubble of [testing/synctest] a command works as one of os/exec does:
// [Cmd.Wait], [Cmd.WaitContext], [Cmd.Shutdown] and [AwaitExit] do not count as durably
// blocking, so time stands still until the process has ended. [Cmd.WaitChan] and
// [DrainOrphans] are not for use there. All processes of a program are watched by one
// goroutine. If the wait that starts it is in a bubble it is part of the bubble, which
// then ends once nothing is waited for, outside of it either. On Linux without pidfds,
// and for [ReapAdopted], a program has to call [os/signal.Notify] outside of any bubble
// first: the Go runtime aborts if its first call is in one.
package execx
