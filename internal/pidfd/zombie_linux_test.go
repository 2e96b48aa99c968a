package pidfd

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// An incomplete list is an error.
func TestListOfDescriptors(t *testing.T) {
	proctest.NoLeaks(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	fds, err := descriptors(fdDir)
	require.NoError(t, err)
	assert.Contains(t, fds, int(r.Fd()))
	_, err = descriptors(t.TempDir())
	assert.ErrorContains(t, err, "does not list")
}

func TestZombiePidfds(t *testing.T) {
	proctest.NeedsPidfd(t)
	proctest.NoLeaks(t)
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	pidfds, err := ZombiePidfds()
	require.NoError(t, err)
	require.Len(t, pidfds[p.Pid], 1)
	assert.Equal(t, p.Pid, ZombieOf(pidfds[p.Pid][0]))
	assert.Zero(t, ZombieOf(0))
}
