// Package execxtest checks that tests leave no child processes behind. It does for processes what
// go.uber.org/goleak does for goroutines.
//
// To check a single test, call [VerifyNone] at its beginning:
//
//	func TestThing(t *testing.T) {
//		execxtest.VerifyNone(t)
//		// ...
//	}
//
// To check a whole package, call [VerifyTestMain]. Use it for tests that run in parallel, because a
// child does not reveal which of them has started it:
//
//	func TestMain(m *testing.M) {
//		execxtest.VerifyTestMain(m)
//	}
//
// To combine it with goleak, use [Checked]. The order of the two checks does not matter:
//
//	func TestMain(m *testing.M) {
//		goleak.VerifyTestMain(execxtest.Checked(m))
//	}
//
// [Command] returns a command that ends with its test.
//
// # What is found
//
// On Linux, the checks find every child of the test process that is running or a zombie, whether it
// was started by execx, os/exec or other code, and the processes that such children leave behind.
// On Windows, they find every child that is running, however it was started. On other systems, they
// find the commands started by execx and not yet reaped, including zombies.
//
// The checks give all children about a second to end. That includes closed or dropped commands,
// which execx is about to reap.
//
// For a command of execx, the report names the test that started it. To make that possible,
// importing this package makes execx record where each command is created, and keep the last 4096
// commands that were reaped. Recording takes about a microsecond per command. For other children,
// the test is known only if the child was started between the call of VerifyNone and the end of
// that test, and during no other such test, to within ten milliseconds.
//
// # What a child leaves behind
//
// When the parent of a process ends, the process is an orphan, and the kernel makes it a child of
// its nearest ancestor that is a subreaper, or of PID 1. On Linux, the test process therefore is a
// subreaper (PR_SET_CHILD_SUBREAPER, see prctl(2)) from the call of [VerifyNone] to the end of the
// test, or while [VerifyTestMain] runs the tests. There is no other way to find an orphan, since it
// may have left its process group and session. This is the default because an option would be
// missed by those who don't expect daemons. It has these effects on the program being tested:
//
//   - The parent of its orphans is the test process instead of PID 1.
//   - Orphans that end are reaped by this package up to a tenth of a second later. If the program
//     opens an orphan with [os.FindProcess] before that, the orphan is not reaped until the
//     [os.Process] is released or garbage collected.
//   - A wait for any child, by wait4(-1), can return an orphan, or miss one.
//   - The main goroutine is locked to the main thread, which adds about 30 microseconds to each
//     test (not to each subtest). The kernel lists orphans as children of the main thread, and
//     other children under the thread that has started them. A process is therefore taken for an
//     orphan only if it is listed under the main thread and the program has no pidfd of it when it
//     is first seen. No other child is reaped, so none is taken from code that waits for it.
//     Children started by os/exec or execx have a pidfd. Children started by other means, such as
//     [syscall.ForkExec], are listed under another thread, unless that thread has ended.
//
// [Subreaper] turns this off, for programs in which these effects matter. If the test process is
// already a subreaper, or is PID 1, its running orphans are reported, but orphans are not reaped,
// since the program may do that itself. (PID 1 of a container may also inherit processes that the
// tests have nothing to do with.) Orphans are not found without pidfds (before Linux 5.4), if the
// kernel does not list children (CONFIG_PROC_CHILDREN), or if VerifyNone is called in a bubble of
// [testing/synctest].
//
// The report names the command that has left an orphan behind if that was a command of execx that
// led the process group of the orphan. Otherwise, it lists the commands of execx that were running
// when the orphan was started.
//
// # Limitations
//
// Without a /proc of the PID namespace of the test process, the checks find the children started by
// execx, and if there are none, whether there is any other child, but not which one. If /proc is
// mounted with the option hidepid, children that now belong to another user are found, but unless
// execx has started them, only their PIDs are known. Processes started with CLONE_PARENT, and
// processes below another subreaper, such as a container runtime, are not found.
package execxtest
