package toolhelp

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const isChild = "TOOLHELP_CHILD"

// Package proctest can't be used here, because it imports this package.
func TestMain(m *testing.M) {
	if os.Getenv(isChild) != "" {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	m.Run()
}

func TestChildren(t *testing.T) {
	children, err := Children()
	require.NoError(t, err)
	assert.Empty(t, children)

	before := time.Now().Add(-time.Second) // one tick of any of the clocks
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), isChild+"=1")
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	children, err = Children()
	require.NoError(t, err)
	require.Len(t, children, 1)
	found := children[0]
	assert.Equal(t, c.Process.Pid, found.Pid)
	assert.Equal(t, filepath.Base(os.Args[0]), found.Program)
	assert.WithinRange(t, found.Created, before, time.Now().Add(time.Second))

	children, err = childrenSince(found.Created)
	require.NoError(t, err)
	assert.Equal(t, []Process{found}, children)
	children, err = childrenSince(found.Created.Add(time.Nanosecond))
	require.NoError(t, err)
	assert.Empty(t, children, "it is of a process that had our number before us")

	stdin.Close()
	require.NoError(t, c.Wait())
	children, err = Children() // at once
	require.NoError(t, err)
	assert.Empty(t, children)
}
