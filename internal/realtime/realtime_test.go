//go:build unix || windows

package realtime_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"go.execx.dev/internal/realtime"
)

func TestInBubble(t *testing.T) {
	before := time.Now()
	assert.False(t, realtime.InBubble())
	assert.False(t, realtime.Now().Before(before))
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		assert.True(t, realtime.InBubble())
		inside := realtime.Now()
		assert.Less(t, inside.Sub(before), 12*time.Hour)
		assert.Less(t, realtime.Since(before), 12*time.Hour)
	})
	assert.Less(t, realtime.Since(before), 12*time.Hour)
}
