package execxtest

import (
	"cmp"
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

// TestingT is the part of [testing.TB] that this package needs. If a TestingT also has the method
// Cleanup, the check of VerifyNone runs when the test has ended, and if it has the method Name, the
// report names the test. All types of package testing have both.
type TestingT interface {
	Error(...any)
}

// TestingM is the part of [testing.M] that this package needs.
type TestingM interface {
	Run() int
}

// Find returns an error that describes the child processes that are left, or nil if there are none.
// It gives them about a second to end. It finds processes left behind by children if they were left
// during a test that has called [VerifyNone], or while [VerifyTestMain] runs the tests.
//
// Unlike VerifyNone and VerifyTestMain, Find checks when it is called, so it can be used in the
// middle of a test, and it reports the same children each time. It is safe for concurrent use.
func Find(opts ...Option) error {
	o := build(opts)
	if left := find(o); len(left) > 0 {
		return o.reportAndKill(left)
	}
	return nil
}

// VerifyNone marks the test as failed if it leaves child processes behind, and describes them. The
// check runs when the test has ended, after the functions registered with t.Cleanup after the call
// of VerifyNone. It should therefore be called first:
//
//	func TestThing(t *testing.T) {
//		execxtest.VerifyNone(t)
//		// ...
//	}
//
// VerifyNone can also be deferred. The check then runs before the functions registered with
// t.Cleanup, and does not find processes left behind by children. If t has no method Cleanup,
// VerifyNone checks at once.
//
// Each child is reported once, by the first VerifyNone or VerifyTestMain that finds it. If another
// test has started the child, the report says so.
//
// VerifyNone also finds the children of tests that run in parallel. For such tests use only
// [VerifyTestMain].
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

// VerifyTestMain runs the tests of a package and exits with their exit status, or with 1 if they
// succeed but leave child processes behind. Whether the tests succeed or fail, VerifyTestMain
// reports these processes and, unless disabled by [Kill], kills them: go test would wait for a
// process that holds the standard output of the tests.
func VerifyTestMain(m TestingM, opts ...Option) {
	os.Exit(Checked(m, opts...).Run())
}

// Checked returns a TestingM whose method Run does the same as [VerifyTestMain], but returns the
// exit status instead of exiting.
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

// exitTimeout is how long children are given to end.
var exitTimeout = time.Second // changed by tests

// find returns the children that are left after exitTimeout.
func find(o options) []process {
	deadline := clock() + exitTimeout
	for interval := shortest; ; interval = min(2*interval, longest) {
		runtime.GC() // makes dropped commands orphans
		all := children()
		left := slices.DeleteFunc(slices.Clone(all), o.ignores)
		if len(left) == 0 {
			drain(all) // so that no goroutine or zombie of theirs is left, either
			return nil
		}
		if clock() >= deadline {
			return left
		}
		sleep(interval)
	}
}

// shortest and longest limit the intervals between two looks at the children.
const shortest, longest = time.Millisecond, 100 * time.Millisecond

// sleep sleeps for d, in real time where possible, even in a bubble of testing/synctest, since
// processes run in real time.
func sleep(d time.Duration) {
	if !pidfd.Pause(d) {
		time.Sleep(d)
	}
}

// drainTimeout is longer than orphans that have ended can remain zombies.
var drainTimeout = 3 * time.Second // changed by tests

// drain waits until execx has reaped the orphans that have ended: all but those in running. It does
// not use [execx.DrainOrphans], which does not work in a bubble.
func drain(running []process) {
	ended := func(info execx.CmdInfo) bool {
		isRunning := func(p process) bool { return p.pid == info.Pid }
		return info.State == execx.StateOrphaned && !slices.ContainsFunc(running, isRunning)
	}
	deadline := clock() + drainTimeout
	for interval := shortest; clock() < deadline; interval = min(2*interval, longest) {
		if !slices.ContainsFunc(execx.Live(), ended) {
			return
		}
		sleep(interval)
	}
}

// reportAndKill returns an error that describes the processes, and kills them if the options say
// so.
func (o options) reportAndKill(left []process) error {
	return errors.Join(errors.New(o.report(left)), o.killLeft(left))
}

// killLeft kills the processes if the options say so.
func (o options) killLeft(left []process) error {
	if !o.kill || len(left) == 0 {
		return nil
	}
	return kill(left, o.ignores)
}
