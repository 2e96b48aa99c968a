package procfs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/proctest"
)

func TestRead(t *testing.T) {
	// This name looks like the fields that follow it.
	const name = "a) Z 1 2 ("
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nkill -STOP $$\n"), 0o755))
	p := proctest.Start(t, path)
	// Package os learns that a program is running just before the kernel sets the name of the
	// process.
	named := func() bool { stat, _ := procfs.Read(p.Pid); return stat.Name == name }
	proctest.Until(t, named, "not named after the program")
	got, ok := procfs.Read(p.Pid)
	require.True(t, ok)
	assert.NotEqual(t, byte('Z'), got.State)
	assert.Equal(t, os.Getpid(), got.Parent)
	assert.Equal(t, unix.Getpgrp(), got.Group)

	require.NoError(t, p.Kill())
	proctest.Zombie(t, p.Pid)
	zombie, ok := procfs.Read(p.Pid)
	require.True(t, ok)
	assert.Equal(t, byte('Z'), zombie.State)
	assert.Equal(t, got.Started, zombie.Started)

	_, err := p.Wait()
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
	assert.True(t, procfs.Usable())
}

func TestStartedBy(t *testing.T) {
	before := time.Now()
	later := before.Add(20 * time.Millisecond) // two ticks of /proc
	proctest.Until(t, func() bool { return time.Now().After(later) }, "time stands still")
	p := proctest.Start(t, "sleep", "1000")
	after := time.Now()
	for range 1000 { // in case of rounding in reading the clocks
		started, err := procfs.StartedBy(p.Pid, after)
		require.NoError(t, err)
		require.True(t, started)
	}
	started, err := procfs.StartedBy(p.Pid, before)
	require.NoError(t, err)
	assert.False(t, started)
	_, err = procfs.StartedBy(-1, after)
	assert.Error(t, err)
}
