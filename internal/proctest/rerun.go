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

// rerun is the environment variable that tells a test that it runs in a process of
// its own.
const rerun = "PROCTEST_RERUN"

// prompt is an environment variable that has the race detector of a process exit
// without a pause.
const prompt = "GORACE=atexit_sleep_ms=0"

// Rerun returns the command that runs the calling test again, in a process of its
// own, with env added to the environment. There [Rerunning] is true.
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

// Rerunning reports whether this process is one that [Rerun] has made.
func Rerunning() bool { return os.Getenv(rerun) != "" }

// Apart runs the test in a process of its own, in which nothing it does can hurt
// other tests, and reports whether this is that process. The test begins with
//
//	if !proctest.Apart(t, nil) {
//		return
//	}
//
// prepare, if not nil, changes the command that starts the process. The test is
// skipped if it can't be started then. Tests that run so are parallel.
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
