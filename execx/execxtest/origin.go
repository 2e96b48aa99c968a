package execxtest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.execx.dev/execx"
	"go.execx.dev/internal/creation"
	"go.execx.dev/internal/realtime"
)

// A span is the time during which a test ran, as far as known.
type span struct {
	test       string
	begin, end time.Duration // as returned by clock; end is 0 while the test runs
}

// covers reports whether a process that was started at the given time may belong to the test.
func (s *span) covers(started time.Duration) bool {
	return started+precision >= s.begin && (s.end == 0 || started <= s.end)
}

// spans records the tests that are checked, in order of their start.
var spans struct {
	mu        sync.Mutex    // guards everything below; locked before theSubreaper.mu
	mainBegin time.Duration // when the tests of this package began, or 0
	list      []*span
}

// beginTest records that a test begins or, if test is nil, that the tests of the package begin.
// From then on, orphans left by children can be found. The caller must call end when the test ends.
func (o options) beginTest(test *span) (end func()) {
	release := func() {}
	if o.subreaper {
		release = becomeSubreaper()
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	switch {
	case test == nil:
		spans.mainBegin = clock()
	case test.test != "":
		test.begin = clock()
		spans.list = append(spans.list, test)
	}
	return func() {
		if test != nil {
			spans.mu.Lock()
			defer spans.mu.Unlock()
			test.end = clock()
		}
		release()
	}
}

// startedIn describes the test in which a process was started, given the start time of the process
// and the stack of the code that created its command, or "".
func startedIn(started time.Duration, stack string) string {
	if test := testOf(stack); test != "" {
		return "started in " + test
	}
	if started == unknownTime {
		return "started in an unknown test"
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	var tests []string
	var before, after *span
	for _, s := range spans.list {
		switch {
		case s.covers(started):
			tests = append(tests, s.test)
		case s.begin > started:
			if after == nil {
				after = s
			}
		case before == nil || s.end > before.end:
			before = s
		}
	}
	switch {
	case len(tests) == 1:
		return fmt.Sprintf("started while %s ran", tests[0])
	case len(tests) > 1:
		return fmt.Sprintf("started while one of these ran: %s", strings.Join(slices.Compact(tests), ", "))
	}
	text := "started in an unknown test"
	if spans.mainBegin > 0 {
		text += fmt.Sprintf(", %v after the first one began", max(0, started-spans.mainBegin).Round(precision))
	}
	if before != nil {
		text += ", after the end of " + before.test
	}
	if after != nil {
		text += ", before VerifyNone was called in " + after.test
	}
	if before == nil && after == nil {
		text += ": call VerifyNone in each test to find out"
	}
	return text
}

// trimStack returns the stack without the calls of package testing and of the runtime at its end.
func trimStack(stack string) string {
	end := strings.Index(stack, "\ntesting.")
	if end < 0 {
		end = strings.Index(stack, "\nruntime.")
	}
	if end < 0 {
		return strings.TrimSpace(stack)
	}
	return stack[:end]
}

// testName matches the functions that package testing calls, and the methods of a test suite.
var testName = regexp.MustCompile(`^(Test|Benchmark|Fuzz|Example)($|[^a-z])`)

// testOf returns the test that a stack belongs to, or "" if it belongs to none.
func testOf(stack string) string {
	lines := strings.Split(stack, "\n")
	slices.Reverse(lines) // the outermost call first
	for _, line := range lines {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		function := line[strings.LastIndexByte(line, '/')+1:]
		_, function, _ = strings.Cut(function, ".") // the name of the package
		for part := range strings.SplitSeq(function, ".") {
			if testName.MatchString(part) {
				return part
			}
		}
	}
	return ""
}

// A command is one that execx has started.
type command struct {
	pid        int
	args       []string
	begin, end time.Duration // as returned by clock
	running    bool          // it may be a zombie, but has not been reaped
	stack      string
}

// commands returns the commands recorded by execx, in order of their start.
func commands() []command {
	var list []command
	for _, c := range creation.Reaped() {
		list = append(list, command{c.Pid, c.Args, onClock(c.Started), onClock(c.Ended), false, c.Stack.String()})
	}
	for _, info := range execx.Live() {
		list = append(list, command{info.Pid, info.Args, onClock(info.Started), clock(), true, info.Stack})
	}
	slices.SortFunc(list, func(a, b command) int { return cmp.Compare(a.begin, b.begin) })
	return list
}

func (c command) String() string {
	ended := ", which has ended"
	if c.running {
		ended = ""
	}
	return fmt.Sprintf("pid %d%s: %s", c.pid, ended, strings.Join(c.args, " "))
}

// maxStartTime is how long Start may take, on a busy machine, between the start of a process, which
// may start others at once, and recording the time.
const maxStartTime = 2 * time.Second

// leftBy describes the command that left p behind, and returns the stack of the code that created
// it. Both are guesses unless the command led the process group of p: the kernel keeps no other
// record.
func leftBy(p process) (text, stack string) {
	var candidates, late []command
	for _, c := range commands() {
		switch {
		case p.started+precision < c.begin-maxStartTime: // p is older
		case p.group == c.pid:
			return "left by " + c.String(), c.stack
		case p.started > c.end:
		case p.started+precision < c.begin-precision:
			late = append(late, c)
		default:
			candidates = append(candidates, c)
		}
	}
	if len(candidates) == 0 {
		candidates = late
	}
	switch len(candidates) {
	case 0:
		return "left by a process that has ended", ""
	case 1:
		return "probably left by " + candidates[0].String(), candidates[0].stack
	}
	text = fmt.Sprintf("probably left by one of %d commands that were running then:", len(candidates))
	const most = 5
	for _, c := range candidates[:min(most, len(candidates))] {
		text += "\n\t\t" + c.String()
		if test := testOf(c.stack); test != "" {
			text += ", started in " + test
		}
	}
	if len(candidates) > most {
		text += "\n\t\t..."
	}
	return text, ""
}

// onClock converts t to the time base of clock.
func onClock(t time.Time) time.Duration { return clock() - realtime.Since(t) }
