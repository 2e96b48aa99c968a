//go:build unix

package execx_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"go.execx.dev/internal/proctest"
)

// aspects are what a trial varies, each with the values it can have. The first
// value is the plain one.
var aspects = []struct {
	name   string
	values []string
}{
	{"program", []string{"sh", "not in PATH", "missing file", "directory"}},
	{"method", []string{"Wait", "Run", "Output", "CombinedOutput"}},
	{"stdin", []string{"nil", "file", "reader", "failing reader", "pipe"}},
	{"stdout", []string{"nil", "file", "buffer", "pipe"}},
	{"stderr", []string{"nil", "file", "buffer", "failing writer", "pipe", "stdout"}},
	{"dir", []string{"none", "given", "missing"}},
	{"env", []string{"nil", "given", "duplicates", "NUL"}},
	{"extra", []string{"none", "file", "nil, file"}},
	{"end", []string{"exit 0", "exit 1", "exit 3", "exit 255", "kill -TERM $$", "kill -KILL $$", "kill -USR1 $$"}},
	{"context", []string{"none", "background", "live", "foreign, live", "done before", "late before",
		"done while running", "foreign, late while running"}},
	{"cancel", []string{"default", "nil", "fails", "finds it done", "SIGTERM"}},
	{"SIGTERM", []string{"default", "ignored"}},
	{"delay", []string{"none", "short", "long"}},
	{"grandchild", []string{"none", "holds the streams"}},
}

// A trial is the description of a command, and of what happens to it: a value
// for each aspect.
type trial map[string]string

// randomTrial draws a trial. One that does not get beyond Start is drawn less often,
// and so is an end that leaves nothing else to report.
func randomTrial(r *rand.Rand) trial {
	for {
		tr := make(trial)
		for _, a := range aspects {
			tr[a.name] = a.values[r.IntN(len(a.values))]
		}
		if r.IntN(2) == 0 {
			tr["end"] = "exit 0"
		}
		if tr.valid() && (!tr.doomed() || r.IntN(20) == 0) {
			return tr
		}
	}
}

// String returns what is not plain about the trial.
func (tr trial) String() string {
	var s []string
	for _, a := range aspects {
		if v := tr[a.name]; v != a.values[0] {
			s = append(s, a.name+"="+v)
		}
	}
	return strings.Join(s, "; ")
}

// has reports whether the aspect has one of the values.
func (tr trial) has(aspect string, values ...string) bool {
	return slices.Contains(values, tr[aspect])
}

// doomed reports whether Start fails.
func (tr trial) doomed() bool {
	return !tr.has("program", "sh") || tr.has("dir", "missing") || tr.has("env", "NUL") ||
		tr.has("context", "done before", "late before") ||
		tr.has("context", "none") && !tr.has("cancel", "default", "nil")
}

// interrupted reports whether the context ends while the process runs.
func (tr trial) interrupted() bool {
	return tr.has("context", "done while running", "foreign, late while running")
}

// copied reports whether goroutines copy the standard streams.
func (tr trial) copied() bool {
	return tr.has("stdin", "reader", "failing reader") || tr.held()
}

// held reports whether goroutines copy output, which a grandchild holds up.
func (tr trial) held() bool {
	return tr.has("stdout", "buffer") || tr.has("stderr", "buffer", "failing writer") ||
		tr.has("method", "Output", "CombinedOutput")
}

// killed reports whether the process is ended by Cancel, or by WaitDelay for
// want of one. It is let go otherwise.
func (tr trial) killed() bool {
	if !tr.interrupted() {
		return false
	}
	return tr.has("delay", "short") || tr.has("cancel", "default") ||
		tr.has("cancel", "SIGTERM") && tr.has("SIGTERM", "default")
}

// valid reports whether the trial is one that makes sense, and has one result only,
// however the machine is loaded.
func (tr trial) valid() bool {
	switch {
	case tr.has("method", "Output", "CombinedOutput") && !tr.has("stdout", "nil"),
		tr.has("method", "CombinedOutput") && !tr.has("stderr", "nil"),
		tr.has("stderr", "stdout") && tr.has("stdout", "nil", "pipe"):
		return false
	case tr.has("stdin", "failing reader") && tr.has("stderr", "failing writer"):
		return false // either may fail first
	case !tr.has("method", "Wait"):
		// Nothing can happen between start and end.
		return !tr.interrupted() && tr.has("grandchild", "none") && !tr.has("delay", "short") &&
			!tr.has("stdin", "pipe") && !tr.has("stdout", "pipe") && !tr.has("stderr", "pipe")
	case tr.has("delay", "short") && tr.interrupted():
		// Which of the two signals is first?
		return !tr.has("cancel", "SIGTERM") || tr.has("SIGTERM", "ignored")
	case tr.has("delay", "short"):
		// Is the copying as quick?
		return !tr.copied() || tr.held() && tr.has("grandchild", "holds the streams") && tr.endless()
	default:
		return true
	}
}

// endless reports whether a grandchild holds up a goroutine that will not fail
// before WaitDelay is over.
func (tr trial) endless() bool {
	return tr.has("stdout", "buffer") || tr.has("stderr", "buffer")
}

// Whatever a command is, and whatever happens to it, os/exec and execx agree on
// what its output, its error and its ProcessState are, and execx leaves nothing.
func TestDifferential(t *testing.T) {
	const seed = 1
	trials := 500
	if testing.Short() {
		trials = 50
	}
	proctest.NoLeaks(t)
	r := rand.New(rand.NewPCG(seed, 0))
	todo := make(map[string]trial)
	for len(todo) < trials {
		tr := randomTrial(r)
		todo[tr.String()] = tr
	}

	started, tried := 0, make(map[string]int)
	for _, name := range slices.Sorted(maps.Keys(todo)) {
		tr := todo[name]
		for aspect, value := range tr {
			tried[aspect+"="+value]++
		}
		if !tr.doomed() {
			started++
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want, got := make(map[string]string), make(map[string]string)
			want["error"] = describe(tr.run(t, std, dir, want))
			got["error"] = describe(tr.run(t, ours, dir, got))
			assert.Equal(t, want, got)
		})
	}
	for _, a := range aspects {
		for _, v := range a.values {
			assert.True(t, testing.Short() || tried[a.name+"="+v] > 0, "no trial of %s=%s", a.name, v)
		}
	}
	t.Logf("seed %d: %d combinations of the values of %d aspects, %d of which start", seed, len(todo), len(aspects), started)
}
