package pidfd

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// A list that is not complete is none.
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

func TestHolders(t *testing.T) {
	if !Supported() {
		t.Skip("needs pidfds")
	}
	proctest.NoLeaks(t)
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	holders, err := Holders()
	require.NoError(t, err)
	assert.Equal(t, p.Pid, ZombieOf(holders[p.Pid]))
	held, err := HeldZombies()
	require.NoError(t, err)
	assert.Equal(t, 1, held[p.Pid])
	assert.Zero(t, ZombieOf(0))
}
