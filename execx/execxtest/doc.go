// Package execxtest finds the child processes that a test has forgotten. It is to
// processes what go.uber.org/goleak is to goroutines.
//
// For a single test:
//
//	func TestThing(t *testing.T) {
//		defer execxtest.VerifyNone(t)
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
// # What is found
//
// On Linux, every child of the test's process that runs or is a zombie, whether
// execx, os/exec or anything else has started it. Elsewhere, where there is no
// /proc file system, the commands that execx has started and not reaped, zombies
// included.
//
// Children that were closed or dropped, and are about to be reaped by execx, are
// given a moment to end, and so is everything else: about a second.
//
// Importing this package makes execx record where each command is created, to be
// reported with it. That takes about a microsecond per command.
package execxtest
