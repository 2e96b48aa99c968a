// Package execxtest finds the child processes that a test has forgotten. It is to
// processes what go.uber.org/goleak is to goroutines.
//
// For a single test, at its beginning:
//
//	func TestThing(t *testing.T) {
//		execxtest.VerifyNone(t)
//		// ...
//	}
//
// For a whole package, which is the way to go for tests that run in parallel, since
// a child does not tell which of them has started it:
//
//	func TestMain(m *testing.M) {
//		execxtest.VerifyTestMain(m)
//	}
//
// Together with goleak, in which the checks of the two do not depend on their order:
//
//	func TestMain(m *testing.M) {
//		goleak.VerifyTestMain(execxtest.Checked(m))
//	}
//
// [Command] makes a command that ends with its test.
//
// # What is found
//
// On Linux, every child of the test's process that runs or is a zombie, whether execx,
// os/exec or anything else has started it, and what such a child has left behind. On Windows,
// every child that runs, whoever has started it. On other systems, the commands that execx has
// started and not reaped, zombies included.
//
// Children that were closed or dropped, and are about to be reaped by execx, are
// given a moment to end, and so is everything else: about a second.
//
// The test is known of a command of execx: importing this package makes execx record where
// each is created, and the last 4096 that were reaped. That takes about a microsecond per
// command. Of another child it is known if it was started between the call of VerifyNone
// and the end of that test, and of no other such test, to within ten milliseconds.
//
// # What a child leaves behind
//
// A process whose parent has ended is an orphan, and the kernel gives it to the nearest
// ancestor that is a subreaper, else to PID 1. On Linux, the test's process is therefore a
// subreaper (PR_SET_CHILD_SUBREAPER, see prctl(2)) from [VerifyNone] to the end of the test, or
// while [VerifyTestMain] runs the tests. There is no other way to find an orphan: it may have
// left the process group and the session. It is the default, and not an option that
// those who don't think of daemons would have to know of. What changes for the program that
// is tested:
//
//   - The parent of its orphans is the process of the test, and not PID 1.
//   - An orphan that has ended is reaped here, up to a tenth of a second later. If the
//     program gets a pidfd of it before that, by [os.FindProcess], no sooner than that is
//     released or garbage.
//   - A wait for any child, by wait4(-1), can get an orphan, and can miss one.
//   - The main goroutine keeps the main thread, which takes some 30 microseconds more per
//     test (not per subtest): the kernel lists orphans under that thread, and children under
//     the one that has started them. That is how the two are told from each other, and
//     why nothing is taken from whoever waits for a child: only what is listed there, and
//     has no pidfd in this program when it is first seen, is an orphan. What os/exec or
//     execx has started has a pidfd; what was started by its number, by [syscall.ForkExec]
//     for instance, is listed elsewhere, unless its thread has ended.
//
// [Subreaper] turns it off, for programs that are about these things. A process that is a
// subreaper by itself, or PID 1, has its orphans reported if they run, and not reaped:
// the program may have its own way. (As PID 1 of a container it may be given some that
// are not of its making.) Without pidfds (before Linux 5.4), where the kernel lists no
// children (CONFIG_PROC_CHILDREN), and by a VerifyNone in a bubble of [testing/synctest],
// orphans are not found.
//
// Who has left an orphan is known for sure if that was a command of execx that led the process
// group of the orphan. Else it is said which commands of execx ran when the orphan was
// started.
//
// # What cannot be known
//
// Without a /proc, or with one of another PID namespace only, the children of execx are found,
// and if none of them is left, whether there is any other child, but neither which nor what
// it is. With the option hidepid of /proc, children that have become another user's are
// found, but of those that execx has not started nothing is known but the number. What was
// started with CLONE_PARENT, or has a subreaper between itself and the test, such as a
// container, is not found.
package execxtest
