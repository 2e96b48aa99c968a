package execxtest_test

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

type failures []string

func (f *failures) Helper()           {}
func (f *failures) Error(args ...any) { *f = append(*f, fmt.Sprint(args...)) }

// Children are found whoever has started them.
func TestFindsChildren(t *testing.T) {
	var found failures
	require.NoError(t, execx.Command("true").Run())
	execxtest.VerifyNone(&found)
	assert.Empty(t, found)
	ours, theirs := execx.Command("sleep", "1000"), exec.Command("sleep", "1000")
	require.NoError(t, ours.Start())
	require.NoError(t, theirs.Start())
	execxtest.VerifyNone(&found)
	require.Len(t, found, 1)
	assert.Contains(t, found[0], fmt.Sprintf("pid %d, running", ours.Process.Pid))
	assert.Contains(t, found[0], fmt.Sprintf("pid %d, running", theirs.Process.Pid))
	require.NoError(t, ours.Kill())
	assert.Error(t, ours.Wait())
	require.NoError(t, theirs.Process.Kill())
	assert.Error(t, theirs.Wait())
	found = nil
	execxtest.VerifyNone(&found)
	assert.Empty(t, found)
}
