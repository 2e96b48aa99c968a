package execxtest

import (
	"context"
	"testing"
	"time"

	"go.execx.dev/execx"
)

// Command returns the Cmd to execute the named program with the given arguments, bound to
// the test:
//
//   - Shortly before the deadline of the test, which is that of go test's flag -timeout, its
//     context ends, and the test fails. If the program was made by Go, its process group is
//     sent SIGQUIT, which has it print its goroutines; any other is sent SIGTERM. What is
//     left after that is killed. As the tests are not over, there is a report of all this.
//   - At the end of the test, what is left of the process group is killed, and the command
//     is waited for if it was not.
//
// The process group is new (see [execx.Cmd.ProcessGroup]), and there is none on systems
// other than Unix and Windows, where the process alone is killed. Cancel and WaitDelay are set, and
// can be replaced. If t has no deadline, the end of the test is all that ends the
// command.
func Command(t testing.TB, name string, arg ...string) *execx.Cmd {
	t.Helper()
	// That of the test ends before the functions of t.Cleanup are called, which may
	// want the command alive.
	ctx, cancel := context.Background(), func() {}
	gracePeriod := minGracePeriod
	if t, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := t.Deadline(); ok {
			gracePeriod = max(gracePeriod, time.Until(deadline)/20)
			// Twice: before SIGKILL, and to report it.
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-2*gracePeriod))
		}
	}
	c := execx.CommandContext(ctx, name, arg...)
	setGroup(c)
	c.GracePeriod, c.WaitDelay = gracePeriod, gracePeriod
	stop := c.Cancel
	c.Cancel = func() error {
		t.Errorf("execxtest: the test is about to time out, as go test -timeout says: ending %v", c)
		if ok, err := quit(c); ok {
			return err
		}
		return stop()
	}
	t.Cleanup(func() {
		defer cancel() // at the end: there is nothing left then for c.Cancel
		c.Kill()       // if there is something to kill
		now, over := context.WithCancel(context.Background())
		over()
		c.Shutdown(now) // which takes a bounded time
	})
	return c
}

// shortestNotice is how long a command gets, at least, between the end of its context and
// SIGKILL.
var minGracePeriod = 100 * time.Millisecond // changed by tests
