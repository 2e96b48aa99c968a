package creation

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReaped(t *testing.T) {
	for pid := range kept + 10 {
		AddReaped(Command{Pid: pid})
	}
	seen := make(map[int]bool)
	for _, c := range Reaped() {
		seen[c.Pid] = true
	}
	assert.Len(t, seen, kept)
	assert.True(t, seen[kept+9])
	assert.True(t, seen[10])
	assert.False(t, seen[9], "the oldest go first")
}
