package execx_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// os/exec returns an *os.File, which is not documented; execx returns another type. Code that
// asserts methods of *os.File still works.
func TestPipeHasTheMethodsOfAFile(t *testing.T) {
	proctest.NoLeaks(t)
	c := execx.Command("cat")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())

	_, isFile := stdout.(*os.File)
	assert.False(t, isFile)
	deadliner, ok := stdout.(interface{ SetReadDeadline(time.Time) error })
	require.True(t, ok)
	if runtime.GOOS == "windows" {
		assert.ErrorIs(t, deadliner.SetReadDeadline(time.Unix(1, 0)), os.ErrNoDeadline, "as os says of any pipe")
	} else {
		require.NoError(t, deadliner.SetReadDeadline(time.Unix(1, 0)))
		_, err = stdout.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}

	require.NoError(t, stdin.Close())
	assert.NoError(t, c.Wait())
	stdout.Close()
}
