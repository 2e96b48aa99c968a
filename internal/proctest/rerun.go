package proctest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rerun is the environment variable that makes a test run as in a process started by Rerun.
const rerun = "PROCTEST_RERUN"

// prompt is an environment variable that makes a process with the race detector exit without a
// pause.
const prompt = "GORACE=atexit_sleep_ms=0"

// Rerun returns a command that runs the calling test again in a process of its own, in which
// [Rerunning] returns true. env is added to its environment.
func Rerun(t testing.TB, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	var pattern []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
	}
	c := exec.Command(self, "-test.v", "-test.count=1", "-test.run="+strings.Join(pattern, "/"))
	c.Env = append(append(os.Environ(), env...), rerun+"=1", prompt)
	return c
}

// Rerunning reports whether this process was started by [Rerun].
func Rerunning() bool { return os.Getenv(rerun) != "" }

// Apart runs the test in a process of its own, in which it can't affect other tests, and reports
// whether this is that process. The test begins with
//
//	if !proctest.Apart(t, nil) {
//		return
//	}
//
// prepare, if not nil, changes the command that starts the process; the test is skipped if the
// command can't be started then. The test becomes a parallel test.
func Apart(t *testing.T, prepare func(c *exec.Cmd)) bool {
	t.Helper()
	if Rerunning() {
		return true
	}
	t.Parallel()
	c := Rerun(t)
	if prepare != nil {
		prepare(c)
	}
	out, err := c.CombinedOutput()
	if _, started := errors.AsType[*exec.ExitError](err); err != nil && !started && prepare != nil {
		t.Skip(err)
	}
	require.NoError(t, err, "%s", out)
	if bytes.Contains(out, []byte("--- SKIP: "+t.Name())) {
		t.Skipf("%s", out)
	}
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}
