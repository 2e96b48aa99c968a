package execxtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx/execxtest"
)

func TestCommandThatIsWaitedFor(t *testing.T) {
	execxtest.VerifyNone(t)
	out, err := execxtest.Command(t, "echo", "out").Output()
	require.NoError(t, err)
	assert.Equal(t, "out\n", string(out))
	execxtest.Command(t, "true") // never started
	assert.Error(t, execxtest.Command(t, "no such program").Run())
}
