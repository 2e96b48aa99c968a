package execxtest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"go.execx.dev/execx"
	"go.execx.dev/internal/creation"
)

func init() { creation.Recording.Store(true) }

// TestingT is what is needed of a [testing.TB].
type TestingT interface {
	Error(...any)
	Helper()
}

// TestingM is what is needed of a [testing.M].
type TestingM interface {
	Run() int
}

// VerifyNone marks the test as failed if this process has a child, and says which. A
// child that is about to end is given about a second to do so.
//
// A test that runs in parallel with others would see their children, too: use
// [VerifyTestMain], or do not mix the two.
func VerifyNone(t TestingT, opts ...Option) {
	t.Helper()
	if left := find(opts); len(left) > 0 {
		t.Error(report(left))
	}
}

// VerifyTestMain runs the tests of a package and exits, with status 1 if they have
// succeeded but left a child of this process behind.
func VerifyTestMain(m TestingM, opts ...Option) {
	os.Exit(Checked(m, opts...).Run())
}

// Checked returns m with a Run that does what [VerifyTestMain] does, except that it
// returns the status instead of exiting with it.
func Checked(m TestingM, opts ...Option) TestingM {
	return checked{m, opts}
}

type checked struct {
	m    TestingM
	opts []Option
}

func (c checked) Run() int {
	code := c.m.Run()
	if code != 0 {
		return code
	}
	if left := find(c.opts); len(left) > 0 {
		fmt.Fprintln(os.Stderr, report(left))
		return 1
	}
	return 0
}

// patience is how long a child is given to end.
var patience = time.Second // changed by tests

// find returns the children that are left after a moment.
func find(opts []Option) []process {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	const first, last = time.Millisecond, 100 * time.Millisecond
	for interval := first; ; interval = min(2*interval, last) {
		runtime.GC() // makes orphans of commands that were dropped
		left := slices.DeleteFunc(children(), func(p process) bool {
			return slices.ContainsFunc(opts, func(ignored Option) bool { return ignored(p) })
		})
		if len(left) == 0 {
			drain() // so that nothing of them is left, either
			return nil
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return left
		}
	}
}

// drain waits for the orphans that have ended, which are zombies for a second.
func drain() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	execx.DrainOrphans(ctx)
}

// A process is a child of this process.
type process struct {
	pid     int
	started string // tells it from another one of the same number
	age     time.Duration
	state   string
	name    string // as in /proc, or the base name of the program
	command string
	stack   string // where it was created, or ""
}

func report(left []process) string {
	var b strings.Builder
	fmt.Fprintf(&b, "execxtest: found child processes left behind: %d", len(left))
	for _, p := range left {
		fmt.Fprintf(&b, "\n\tpid %d, %s, %v old: %s", p.pid, p.state, p.age, p.command)
		if p.stack != "" {
			fmt.Fprintf(&b, "\n\tcreated by:\n\t\t%s", strings.ReplaceAll(strings.TrimSpace(p.stack), "\n", "\n\t\t"))
		}
	}
	return b.String()
}
