//go:build unix

package testsuite

import (
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
)

var leak = flag.Bool("leak", false, "have TestLeak forget a child")

// Both checkers look at what is left when all tests have run.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(execxtest.Checked(m))
}

func TestCount(t *testing.T) {
	n, err := Count(t.Context(), strings.NewReader("what is to be counted\n"))
	require.NoError(t, err)
	assert.Equal(t, 5, n)
}

// A context that is done ends the child, and the test has nothing to clean up.
func TestCountCanceled(t *testing.T) {
	defer execxtest.VerifyNone(t) // for this test alone
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

var forgotten *Counter // what is not even garbage

func TestLeak(t *testing.T) {
	if !*leak {
		t.Skip("leaks only if asked to by -leak")
	}
	var err error
	forgotten, err = NewCounter()
	require.NoError(t, err)
}

// A suite that leaks fails, though each of its tests succeeds.
func TestLeakIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a child to end")
	}
	if os.Getpid() == 1 {
		t.Skip("the init process is given what the leaking run leaks")
	}
	if *leak {
		t.Skip("this is the leaking run")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.Command(self, "-test.run=^TestLeak$", "-leak").CombinedOutput()
	var exitErr *exec.ExitError
	require.ErrorAs(t, err, &exitErr)
	assert.Contains(t, string(out), "PASS\n")
	assert.Regexp(t, `pid \d+, running, \S+ old: wc -w`, string(out))
	assert.Contains(t, string(out), "testsuite.NewCounter")
}
