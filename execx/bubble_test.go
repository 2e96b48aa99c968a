package execx_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// A goroutine in a bubble that waits for a real process is not durably blocked: the clock of the
// bubble must not advance.
func TestSynctest(t *testing.T) {
	proctest.NeedsWatch(t)
	other := cmdtest.Start(t, "sleep", "1000") // so that the watching goroutine is outside the bubble
	other.WaitChan(t.Context())
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := execx.CommandContext(ctx, "sleep", "0.1")
		require.NoError(t, c.Start())
		assert.NoError(t, execx.AwaitExit(ctx, c.Process))
		assert.NoError(t, c.WaitContext(ctx))
		assert.NoError(t, c.Shutdown(ctx))
		assert.Equal(t, began, time.Now())
	})
}
