package execx_test

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// The descriptors may run out in the middle of Start.
func TestStartWithoutDescriptors(t *testing.T) {
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	t.Cleanup(func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)) })
	proctest.NoLeaks(t)
	for spare := range 12 {
		c := execx.Command("true")
		c.Stdin = strings.NewReader("in")
		c.Stderr = new(bytes.Buffer)
		_, err := c.StdoutPipe()
		require.NoError(t, err)

		// The kernel allocates the lowest free descriptor, so all below the next one are in use.
		next, err := os.Open(os.DevNull)
		require.NoError(t, err)
		tight := limit
		tight.Cur = uint64(int(next.Fd()) + spare)
		next.Close()
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &tight))
		err = c.Start()
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
		if err != nil {
			assert.ErrorIs(t, err, syscall.EMFILE)
			assert.EqualError(t, c.Wait(), "exec: not started")
			continue
		}
		assert.NoError(t, c.Wait())
	}
}
