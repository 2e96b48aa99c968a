package procfs_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/proctest"
)

func TestRead(t *testing.T) {
	// A name that looks like the fields after it.
	path := t.TempDir() + "/a) Z 1 2 ("
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(sleep, path))
	p := proctest.Start(t, path, "1000")
	got, ok := procfs.Read(p.Pid)
	require.True(t, ok)
	assert.Equal(t, "a) Z 1 2 (", got.Name)
	assert.NotEqual(t, byte('Z'), got.State)
	assert.Equal(t, os.Getpid(), got.Parent)
	assert.Equal(t, unix.Getpgrp(), got.Group)

	require.NoError(t, p.Kill())
	proctest.Zombie(t, p.Pid)
	zombie, ok := procfs.Read(p.Pid)
	require.True(t, ok)
	assert.Equal(t, byte('Z'), zombie.State)
	assert.Equal(t, got.Started, zombie.Started)

	_, err = p.Wait()
	require.NoError(t, err)
	_, ok = procfs.Read(p.Pid)
	assert.False(t, ok)
}

func TestAll(t *testing.T) {
	want := proctest.Start(t, "sleep", "1000").Pid
	seen := map[int]bool{}
	for pid, stat := range procfs.All() {
		seen[pid] = true
		if pid == want {
			assert.Equal(t, os.Getpid(), stat.Parent)
		}
	}
	assert.True(t, seen[want])
	assert.True(t, seen[os.Getpid()])
	assert.True(t, procfs.Ours())
}
