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
// To check a whole package, call [VerifyTestMain]. Use it for tests that run in parallel, because
// VerifyNone would report the children of the others as well:
//
//	func TestMain(m *testing.M) {
//		execxtest.VerifyTestMain(m)
//	}
//
// To combine it with goleak, use [Checked]:
//
//	func TestMain(m *testing.M) {
//		goleak.VerifyTestMain(execxtest.Checked(m))
//	}
//
// [Command] returns a command that is killed at the end of its test.
//
// # What is found
//
// On Linux, the checks find every child of the test process that is running or a zombie, whether it
// was started by execx, os/exec or other code, and the processes that such children leave behind.
// On Windows, they find every child that is running, however it was started. On other systems, they
// find the commands started by execx and not yet reaped, including zombies.
//
// The checks give all children about a second to end. They run the garbage collector, and do not
// report zombies that execx is about to reap, because their command was closed or is unreachable.
//
// For a command of execx, the report names the test that started it. To make that possible,
// importing this package makes execx record where each command is created, which takes about a
// microsecond per command, and keep records of the last 4096 commands that were reaped. For other
// children, the report names a test only if it was the only one, of those that have called
// VerifyNone, that was running when the child was started. Start times are known to ten
// milliseconds.
//
// # What a child leaves behind
//
// When the parent of a process ends, the process becomes an orphan, and the kernel makes it a child
// of its nearest ancestor that is a subreaper, or of PID 1. On Linux, the test process therefore is
// a subreaper (PR_SET_CHILD_SUBREAPER, see prctl(2)) from the call to [VerifyNone] to the end of
// the test, or while [VerifyTestMain] runs the tests. There is no other way to find an orphan,
// since it may have left its process group and session. This affects the program being tested:
//
//   - The parent of the orphans is the test process instead of PID 1.
//   - Orphans that have ended are reaped by this package within a tenth of a second. If the program
//     opens an orphan with [os.FindProcess] before that, the orphan is not reaped until the
//     [os.Process] is released or garbage collected.
//   - A wait for any child, by wait4(-1), can return an orphan, or miss one.
//   - The main goroutine is locked to the main thread, so that no other goroutine can start a child
//     there. Locking adds about 30 microseconds to each test, but not to subtests. The kernel makes
//     orphans children of the main thread. A child is taken for an orphan only if its parent is the
//     main thread and the program has no pidfd for it; os/exec and execx hold one for each child.
//     Other children, such as those of [syscall.ForkExec], are children of the thread that has
//     started them. When that thread ends, they become children of the main thread, and are then
//     taken for orphans.
//
// Subreaper(false) turns this off; see [Subreaper]. If the test process is already a subreaper, or
// is PID 1, running orphans are reported, but orphans are not reaped, since the program may do that
// itself. (PID 1 of a container may also inherit processes that the tests have nothing to do with.)
// Orphans are not found without pidfds (before Linux 5.4), if the kernel does not list children
// (CONFIG_PROC_CHILDREN), or if VerifyNone is called in a bubble of [testing/synctest].
//
// If the process group of an orphan was led by a command of execx, the report names that command.
// Otherwise, it lists the commands of execx that were running when the orphan was started.
//
// # Limitations
//
// Without a /proc of the PID namespace of the test process, the checks find only the children
// started by execx. If there are none, but there is another child, they report only that it exists.
// If /proc is mounted with the option hidepid, children that belong to another user are found, but
// only their PIDs are known, unless execx has started them. Processes started with CLONE_PARENT,
// and descendants of another subreaper, such as a container runtime, are not found.
package execxtest
