package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Commands wait until descriptors are available.
func TestScarcity(t *testing.T) {
	t.Parallel()
	f := remote(t)
	w := f.worker("-j", "40")
	limit := unix.Rlimit{Cur: 50, Max: 50}
	require.NoError(t, unix.Prlimit(w.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil))
	status, stdout, stderr := f.run(numbers(200), "-k", "sh", "-c", "sleep 0.1; echo $0")
	assert.Zero(t, status)
	assert.Equal(t, numbers(200), stdout)
	assert.Empty(t, stderr)
}
