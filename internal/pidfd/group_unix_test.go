//go:build unix

package pidfd

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A signal to the group of a process without a PID would reach other processes.
func TestNoGroupWithoutPID(t *testing.T) {
	released, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, released.Release())
	assert.Nil(t, NewGroup(Of(released)))
	assert.Nil(t, NewGroup(Of(new(os.Process))))
}
