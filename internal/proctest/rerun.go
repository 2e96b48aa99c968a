package proctest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// rerun is the environment variable that names the test that a process was started
// for by [Rerun].
const rerun = "PROCTEST_RERUN"

// Rerun runs the test in a process of its own, in which nothing it does can hurt
// other tests, and reports whether this is that process. The test begins with
//
//	if !proctest.Rerun(t, nil) {
//		return
//	}
//
// prepare, if not nil, changes the command that starts the process. The test is
// skipped if it can't be started then. Tests that run so are parallel.
func Rerun(t *testing.T, prepare func(c *exec.Cmd)) bool {
	t.Helper()
	if os.Getenv(rerun) == t.Name() {
		return true
	}
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.timeout=2m", "-test.v")
	c.Env = append(os.Environ(), rerun+"="+t.Name())
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
