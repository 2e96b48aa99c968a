package pidfd

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the system writes is not lost if the stack grows, and so moves, just before.
func TestJobIsAliveOnAnyStack(t *testing.T) {
	p, _ := start(t)
	g, err := NewJob(p, false, false)
	require.NoError(t, err)
	defer g.Close()
	alive := make(chan bool)
	for depth := range 200 {
		go func() { alive <- atDepth(depth, g.Alive) }()
		assert.True(t, <-alive, "%d calls deep", depth)
	}
}

// atDepth returns f(), called on a stack that is deeper by the given number of small frames.
//
//go:noinline
func atDepth(depth int, f func() bool) bool {
	if depth == 0 {
		return f()
	}
	return atDepth(depth-1, f)
}

// A closed job is not taken for another one that has got its handle, or for that of this program.
func TestClosedJobIsNotAlive(t *testing.T) {
	p, _ := start(t)
	closed, err := NewJob(p, false, false)
	require.NoError(t, err)
	closed.Close()
	assert.False(t, closed.Alive())
	other, _ := start(t)
	g, err := NewJob(other, false, false)
	require.NoError(t, err)
	defer g.Close()
	assert.False(t, closed.Alive())
	assert.True(t, g.Alive())
}
