package creation

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReaped(t *testing.T) {
	for pid := range maxReaped + 10 {
		AddReaped(Command{Pid: pid})
	}
	seen := make(map[int]bool)
	for _, c := range Reaped() {
		seen[c.Pid] = true
	}
	assert.Len(t, seen, maxReaped)
	assert.True(t, seen[maxReaped+9])
	assert.True(t, seen[10])
	assert.False(t, seen[9], "the oldest go first")
}
