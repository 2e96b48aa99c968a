package orphan

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQueueIsASet(t *testing.T) {
	var q Queue[string]
	assert.Zero(t, q.Len())
	q.Push("a")
	q.Push("b")
	q.Push("a")
	assert.Equal(t, 2, q.Len())
	q.Remove("a")
	q.Remove("a")
	q.Remove("c")
	assert.Equal(t, 1, q.Len())
	q.Remove("b")
	assert.Zero(t, q.Len())
}

func TestDrain(t *testing.T) {
	var q Queue[string]
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 { // Drain can be called again
		q.Push("a")
		assert.ErrorIs(t, q.Drain(canceled), context.Canceled)
		assert.Equal(t, 1, q.Len(), "Drain removes nothing")

		results := make(chan error, 10)
		for range cap(results) {
			go func() { results <- q.Drain(t.Context()) }()
		}
		q.Push("b")
		q.Remove("a")
		assert.ErrorIs(t, q.Drain(canceled), context.Canceled)
		q.Remove("b")
		for range cap(results) {
			err, _ := proctest.Receive(t, results)
			require.NoError(t, err)
		}
		assert.NoError(t, q.Drain(canceled), "empty is better than a context that is done")
	}
}
