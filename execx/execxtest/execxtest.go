package execxtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"go.execx.dev/execx"
	"go.execx.dev/internal/creation"
	"go.execx.dev/internal/pidfd"
)

func init() { creation.Recording.Store(true) }

// TestingT is what is needed of a [testing.TB]. A T that has the methods Cleanup and Name,
// as all of package testing have, is checked when the test has ended, and named.
type TestingT interface {
	Error(...any)
}

// TestingM is what is needed of a [testing.M].
type TestingM interface {
	Run() int
}

// Find returns an error that describes the child processes that are left, or nil if there
// are none. A child that is about to end is given about a second to do so. What children have
// left behind is found if it was while [VerifyNone] or [VerifyTestMain] was at work.
//
// Unlike these, Find looks at once, for checks in the middle of a test, and returns the same
// children each time.
func Find(opts ...Option) error {
	o := build(opts)
	if left := find(o); len(left) > 0 {
		return o.reportAndKill(left)
	}
	return nil
}

// VerifyNone marks the test as failed if it leaves a child process behind, and says which.
// It looks when the test has ended, and all that was registered with t.Cleanup after
// VerifyNone was called, so it is best called first:
//
//	func TestThing(t *testing.T) {
//		execxtest.VerifyNone(t)
//		// ...
//	}
//
// To defer it works, too, but then functions that were registered with t.Cleanup have
// not run when it looks, and it does not know when the test has begun. If t has no method
// Cleanup, VerifyNone looks at once.
//
// Each child is reported once, by whichever check comes first. If that is not the one of
// the test that has started it, the report says so.
//
// A test that runs in parallel with others would see their children, too: use
// [VerifyTestMain], or do not mix the two.
func VerifyNone(t TestingT, opts ...Option) {
	if t, ok := t.(interface{ Helper() }); ok {
		t.Helper()
	}
	o := build(opts)
	var name string
	if t, ok := t.(interface{ Name() string }); ok {
		name = t.Name()
	}
	end := o.beginTest(&span{test: name})
	verify := func() {
		if t, ok := t.(interface{ Helper() }); ok {
			t.Helper()
		}
		defer end()
		if left := unreported(find(o)); len(left) > 0 {
			t.Error(o.reportAndKill(left))
		}
	}
	if t, ok := t.(interface{ Cleanup(func()) }); ok {
		t.Cleanup(verify)
	} else {
		verify()
	}
}

// VerifyTestMain runs the tests of a package and exits, with status 1 if they have
// succeeded but left a child of this process behind. What they have left is reported, and
// unless [Kill] says otherwise, killed: it might have the standard output of the
// tests, and go test waits for whoever has. Both is done, too, if tests have failed.
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
	o := build(append([]Option{Kill(true)}, c.opts...))
	end := o.beginTest(nil)
	code := c.m.Run()
	defer end()
	left := find(o)
	if reported := unreported(left); len(reported) > 0 {
		fmt.Fprintln(os.Stderr, o.report(reported))
		code = cmp.Or(code, 1)
	}
	if err := o.killLeft(left); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// patience is how long a child is given to end.
var exitTimeout = time.Second // changed by tests

// find returns the children that are left after a moment.
func find(o options) []process {
	const shortest, longest = time.Millisecond, 100 * time.Millisecond
	deadline := clock() + exitTimeout
	for interval := shortest; ; interval = min(2*interval, longest) {
		runtime.GC() // makes orphans of commands that were dropped
		left := slices.DeleteFunc(children(), o.ignores)
		if len(left) == 0 {
			drain() // so that nothing of them is left, either
			return nil
		}
		if clock() >= deadline {
			return left
		}
		sleep(interval)
	}
}

// sleep sleeps for d, which is not the time of a bubble of testing/synctest where that
// can be had: processes do not live in it.
func sleep(d time.Duration) {
	if !pidfd.Pause(d) {
		time.Sleep(d)
	}
}

// drain waits for the orphans that have ended, which are zombies for a second.
func drain() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	execx.DrainOrphans(ctx)
}

// conclude returns the error that reports what is left, and kills it if that was asked
// for.
func (o options) reportAndKill(left []process) error {
	return errors.Join(errors.New(o.report(left)), o.killLeft(left))
}

// end kills what is left, if that was asked for.
func (o options) killLeft(left []process) error {
	if !o.kill || len(left) == 0 {
		return nil
	}
	return kill(left, o.ignores)
}
