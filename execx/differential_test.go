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

// aspects are the properties varied by a trial, each with its possible values. The first value is
// the default.
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

// A trial describes a command and what happens to it: a value for each aspect.
type trial map[string]string

// randomTrial returns a random trial. Trials in which Start fails, and endings that leave nothing
// else to observe, are chosen less often.
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

// String returns the aspects that do not have their default value.
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

// interrupted reports whether the context is done while the process runs.
func (tr trial) interrupted() bool {
	return tr.has("context", "done while running", "foreign, late while running")
}

// copied reports whether goroutines copy the standard streams.
func (tr trial) copied() bool {
	return tr.has("stdin", "reader", "failing reader") || tr.held()
}

// held reports whether goroutines copy output and a grandchild holds it open.
func (tr trial) held() bool {
	return tr.has("stdout", "buffer") || tr.has("stderr", "buffer", "failing writer") ||
		tr.has("method", "Output", "CombinedOutput")
}

// killed reports whether the process is killed by Cancel or, without one, by WaitDelay. Otherwise
// it runs to its end.
func (tr trial) killed() bool {
	if !tr.interrupted() {
		return false
	}
	return tr.has("delay", "short") || tr.has("cancel", "default") ||
		tr.has("cancel", "SIGTERM") && tr.has("SIGTERM", "default")
}

// valid reports whether the trial is meaningful and has only one possible result, whatever the load
// of the machine.
func (tr trial) valid() bool {
	switch {
	case tr.has("method", "Output", "CombinedOutput") && !tr.has("stdout", "nil"),
		tr.has("method", "CombinedOutput") && !tr.has("stderr", "nil"),
		tr.has("stderr", "stdout") && tr.has("stdout", "nil", "pipe"):
		return false
	case tr.has("stdin", "failing reader") && tr.has("stderr", "failing writer"):
		return false // either may fail first
	case !tr.has("method", "Wait"):
		// Nothing may depend on the time between the start and the end.
		return !tr.interrupted() && tr.has("grandchild", "none") && !tr.has("delay", "short") &&
			!tr.has("stdin", "pipe") && !tr.has("stdout", "pipe") && !tr.has("stderr", "pipe")
	case tr.has("delay", "short") && tr.interrupted():
		// It must be certain which of the two signals is first.
		return !tr.has("cancel", "SIGTERM") || tr.has("SIGTERM", "ignored")
	case tr.has("delay", "short"):
		// It must be certain whether the copying is complete.
		return !tr.copied() || tr.held() && tr.has("grandchild", "holds the streams") && tr.endless()
	default:
		return true
	}
}

// endless reports whether a grandchild holds up a copying goroutine until WaitDelay expires.
func (tr trial) endless() bool {
	return tr.has("stdout", "buffer") || tr.has("stderr", "buffer")
}

// For every command, os/exec and execx agree on the output, the error and the ProcessState, and
// execx leaves nothing behind.
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
