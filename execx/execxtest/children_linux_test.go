package execxtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/execx/execxtest"
	"go.execx.dev/internal/proctest"
)

func TestZombie(t *testing.T) {
	p := proctest.Start(t, "true")
	proctest.Zombie(t, p.Pid)
	assert.Regexp(t, fmt.Sprintf(`pid %d, zombie, \S+ old: \[true\]
	started .*
A zombie has ended, but was not waited for: call Wait\.$`, p.Pid), verify())
}

// The kernel truncates the name of a program.
func TestIgnoreLongName(t *testing.T) {
	path := t.TempDir() + "/a-name-of-more-than-15-bytes"
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	data, err := os.ReadFile(sleep)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o755))
	c := execx.Command(path, "1000")
	if err := c.Start(); err != nil {
		t.Skip(err) // the file system may not allow it
	}
	t.Cleanup(func() { c.Kill(); c.Wait() })
	assert.Empty(t, verify(execxtest.IgnoreCommand("a-name-of-more-than-15-bytes")))
}
