package execx

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pipe is not looked into while a process is being started that may already be reading it, which
// could block on Windows.
func TestPipeEndsWhileLent(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, w.Close())
	p := &outPipe{File: r}
	p.lend()
	assert.False(t, p.atEnd(), "looks whether the pipe is empty")
	p.giveBack(false)
	_, err = p.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
	assert.ErrorIs(t, r.Close(), os.ErrClosed)

	r, w, err = os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	p = &outPipe{File: r}
	p.lend()
	assert.False(t, p.atEnd())
	p.giveBack(true)
	assert.ErrorIs(t, r.Close(), os.ErrClosed, "the process has the pipe")
}
