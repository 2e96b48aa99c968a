package execx_test

import (
	"context"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// A lateContext is done before its Err is set.
type lateContext struct {
	context.Context
	late atomic.Bool
}

func (c *lateContext) Err() error {
	if !c.late.Load() {
		return nil
	}
	return c.Context.Err()
}

func (c *lateContext) Value(any) any { return nil }

// A rudeContext allows only the calls that os/exec makes: Done and Err.
type rudeContext struct{ context.Context }

func (rudeContext) Value(any) any { panic("Value") }

// A lockedContext has a lock that the program may hold while it starts a command. os/exec does not
// acquire it.
type lockedContext struct {
	context.Context
	mu *sync.Mutex
}

func (c lockedContext) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Context.Value(key)
}

// Every context that works with os/exec works here, both as the context of a command and for
// waiting.
func TestForeignContexts(t *testing.T) {
	type key struct{}
	var mu sync.Mutex
	mu.Lock()
	defer mu.Unlock()
	for _, tt := range []struct {
		name    string
		foreign func(ctx context.Context) context.Context
	}{
		{"late", func(ctx context.Context) context.Context { return &lateContext{Context: ctx} }},
		{"rude", func(ctx context.Context) context.Context { return rudeContext{ctx} }},
		{"locked", func(ctx context.Context) context.Context { return lockedContext{ctx, &mu} }},
		{"made from a rude", func(ctx context.Context) context.Context { return context.WithValue(rudeContext{ctx}, key{}, 1) }},
		{"late, with value", func(ctx context.Context) context.Context {
			return context.WithValue(&lateContext{Context: ctx}, key{}, 1)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, func(t *testing.T, command commander) error {
				ctx, cancel := context.WithCancel(t.Context())
				_, r := command(tt.foreign(ctx), "sleep", "1000")
				require.NoError(t, r.Start())
				cancel()
				return r.Wait()
			})
			t.Run("literal", func(t *testing.T) {
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(t.Context())
				c := &execx.Cmd{Cmd: *exec.CommandContext(tt.foreign(ctx), "sleep", "1000")}
				require.NoError(t, c.Start())
				cancel()
				assert.EqualError(t, c.Wait(), proctest.Killed)
			})
			t.Run("waiting", func(t *testing.T) {
				proctest.NoLeaks(t)
				c := cmdtest.Start(t, "sleep", "1000")
				ctx, cancel := context.WithCancel(t.Context())
				waiting := c.WaitChan(tt.foreign(ctx))
				cancel()
				err, _ := proctest.Receive(t, waiting)
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorIs(t, c.WaitContext(tt.foreign(ctx)), context.Canceled)
				if proctest.CanWatch {
					assert.ErrorIs(t, execx.AwaitExit(tt.foreign(ctx), c.Process), context.Canceled)
				}
				require.NoError(t, c.Close())
				assert.ErrorIs(t, execx.DrainOrphans(tt.foreign(ctx)), context.Canceled)
				require.NoError(t, c.Kill())
				require.NoError(t, execx.DrainOrphans(t.Context()))
			})
			t.Run("ended", func(t *testing.T) { // and releases its goroutine
				proctest.NoLeaks(t)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				assert.NoError(t, execx.CommandContext(tt.foreign(ctx), "true").Run())
				proctest.Until(t, func() bool { return bound() == 0 }, "goroutines are left")
			})
		})
	}
}
