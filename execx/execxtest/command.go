package execxtest

import (
	"context"
	"testing"
	"time"

	"go.execx.dev/execx"
	"go.execx.dev/internal/realtime"
)

// Command is like [execx.Command], but ties the command to the test:
//
//   - Shortly before the deadline of the test, which the flag -timeout of go test sets, the test
//     fails and the process group is sent SIGQUIT if the program is a Go program, so that it prints
//     its goroutines, and SIGTERM otherwise. Processes that are still running GracePeriod later are
//     killed. "Shortly" is a tenth of the time that the test has left when it calls Command. Since
//     the test binary has not timed out by then, what the command writes to the output of the test
//     appears in its report.
//   - At the end of the test, the remaining processes of the process group are killed, and the
//     command is waited for if the test has not done so.
//
// The command runs in a new process group (see [execx.Cmd.ProcessGroup]). On systems other than
// Unix and Windows there are no groups, and only the process itself is killed. Command sets
// GracePeriod and WaitDelay to a twentieth of the time left, but at least 100 ms, and sets a Cancel
// that uses GracePeriod. All three can be replaced; without that Cancel, nothing is sent before the
// deadline. If t has no deadline, or Command is called in a bubble of [testing/synctest], whose
// time is not that of the deadline, only the end of the test ends the command.
func Command(t testing.TB, name string, arg ...string) *execx.Cmd {
	t.Helper()
	// The context of the test ends before the functions registered with t.Cleanup run, which may
	// need the command.
	ctx, cancel := context.Background(), func() {}
	gracePeriod := minGracePeriod
	if t, ok := t.(interface{ Deadline() (time.Time, bool) }); ok && !realtime.InBubble() {
		if deadline, ok := t.Deadline(); ok {
			gracePeriod = max(gracePeriod, time.Until(deadline)/20)
			// One period before SIGKILL, and one to report it.
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-2*gracePeriod))
		}
	}
	c := execx.CommandContext(ctx, name, arg...)
	setGroup(c)
	c.GracePeriod, c.WaitDelay = gracePeriod, gracePeriod
	stop := c.Cancel
	c.Cancel = func() error {
		t.Errorf("execxtest: the test is about to exceed the -timeout of go test: ending %v", c)
		if ok, err := quit(c); ok {
			return err
		}
		return stop()
	}
	t.Cleanup(func() {
		defer cancel() // last, so that c.Cancel has nothing left to do
		c.Kill()       // if it is running
		now, over := context.WithCancel(context.Background())
		over()
		c.Shutdown(now) // returns after a bounded time
	})
	return c
}

// minGracePeriod is the minimum time between the end of the context of a command and SIGKILL.
var minGracePeriod = 100 * time.Millisecond // changed by tests
