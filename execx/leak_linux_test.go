package execx_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// forgetCommand starts a process that ends, and drops the command.
func forgetCommand(t *testing.T) {
	require.NoError(t, execx.Command("sh", "-c", "exit 3").Start())
}

// rememberCommands starts processes that it waits for or closes.
func rememberCommands(t *testing.T) {
	require.NoError(t, execx.Command("true").Run())
	c := execx.Command("true")
	require.NoError(t, c.Start())
	require.NoError(t, c.Close())
	execx.Command("true") // never started
}

// With GODEBUG=execwait, a dropped command is reported with slog, by default on standard error.
func TestReportOfDroppedCommand(t *testing.T) {
	if proctest.Rerunning() {
		rememberCommands(t)
		forgetCommand(t)
		proctest.Collect(t, proctest.NoChildren, "not reaped")
		for range 3 { // in case of an extra report
			runtime.GC()
		}
		return
	}
	parent := t
	for _, want := range []struct {
		setting         string
		reports, stacks int
	}{
		{"", 0, 0},
		{"execwait=1", 1, 0},
		{"execwait=2", 1, 1},
		{"gctrace=0,execwait=2", 1, 1},
		{"execwait=1,execwait=2", 1, 1},
		{"execwaiting=2,xexecwait=2", 0, 0},
	} {
		t.Run(want.setting, func(t *testing.T) {
			b, err := proctest.Rerun(parent, "GODEBUG="+want.setting).CombinedOutput()
			out := string(b)
			require.NoError(t, err, out)
			assert.Equal(t, want.reports, strings.Count(out, "WARN exec: command was dropped without a call to Wait or Close"), out)
			assert.Equal(t, want.reports, strings.Count(out, `sh -c exit 3" pid=`), out)
			assert.Equal(t, want.stacks, strings.Count(out, "forgetCommand\\n"), out)
			assert.NotContains(t, out, "rememberCommands\\n")
		})
	}
}
