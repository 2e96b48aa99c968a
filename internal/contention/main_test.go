package main

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// Waiting for a command does not count as mutex contention in /sync/mutex/wait/total:seconds and in
// mutex profiles.
func TestContention(t *testing.T) {
	proctest.Slow(t)
	program := filepath.Join(t.TempDir(), "contention")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(program).CombinedOutput()
	require.NoError(t, err, "%s", out)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(t, err)
	assert.Less(t, seconds, 5.0, "of 20 that were waited, some for the first start")
}
