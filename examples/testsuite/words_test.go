//go:build unix

package testsuite

import (
	"bufio"
	"context"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
)

var leak = flag.Bool("leak", false, "make some tests leak the processes that they start")

// Both checkers run after all tests.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(execxtest.Checked(m))
}

func TestCount(t *testing.T) {
	n, err := Count(t.Context(), strings.NewReader("five words in a line\n"))
	require.NoError(t, err)
	assert.Equal(t, 5, n)
}

// A canceled context ends the child, so the test has nothing to clean up.
func TestCountCanceled(t *testing.T) {
	execxtest.VerifyNone(t) // at the end of this test
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Count(ctx, strings.NewReader("words"))
	assert.ErrorIs(t, err, context.Canceled)
}

func TestCounter(t *testing.T) {
	c, err := NewCounter()
	require.NoError(t, err)
	defer c.Close()
	for _, words := range []string{"one two ", "three\n", "four"} {
		_, err := io.WriteString(c, words)
		require.NoError(t, err)
	}
	n, err := c.Sum()
	require.NoError(t, err)
	assert.Equal(t, 4, n)
}

func TestCounterClosed(t *testing.T) {
	c, err := NewCounter()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = c.Sum()
	assert.ErrorIs(t, err, execx.ErrClosed)
}

// A process started by execxtest.Command is killed when its test ends.
func TestCountOutputOfServer(t *testing.T) {
	server := execxtest.Command(t, "sh", "-c", "echo two words; exec sleep 1000")
	stdout, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	n, err := Count(t.Context(), strings.NewReader(line))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
}

var forgotten *Counter // a leaked counter that stays reachable

func TestLeak(t *testing.T) {
	if !*leak {
		t.Skip("leaks only with -leak")
	}
	var err error
	forgotten, err = NewCounter()
	require.NoError(t, err)
}

func TestLeakOfCommand(t *testing.T) {
	if !*leak {
		t.Skip("leaks only with -leak")
	}
	c := execx.Command("sh", "-c", "sleep 1000 &")
	c.ProcessGroup = true
	require.NoError(t, c.Run())
}
