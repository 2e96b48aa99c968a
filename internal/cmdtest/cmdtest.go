// Package cmdtest has test helpers for packages that use execx.
package cmdtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// Start starts the named program. The command is killed and waited for at the end of the test.
func Start(t testing.TB, name string, arg ...string) *execx.Cmd {
	t.Helper()
	c := execx.Command(name, arg...)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Kill()
		c.Wait()
	})
	return c
}

// DrainOrphans waits until no command is orphaned.
func DrainOrphans(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), proctest.Deadline)
	defer cancel()
	require.NoError(t, execx.DrainOrphans(ctx))
	require.Zero(t, execx.Orphans())
}
