package table

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A key identifies one value only, even if the slot is reused.
func TestKeys(t *testing.T) {
	var table Table[string]
	assert.Zero(t, table.Get(0))
	assert.False(t, table.Remove(0))
	a, b := table.Add("a"), table.Add("b")
	assert.NotZero(t, a)
	assert.Equal(t, "a", table.Get(a))
	assert.Equal(t, "b", table.Get(b))

	assert.True(t, table.Remove(a))
	assert.False(t, table.Remove(a))
	assert.Zero(t, table.Get(a))
	c := table.Add("c")
	assert.Equal(t, "c", table.Get(c))
	assert.Zero(t, table.Get(a), "the slot is that of c now")
	assert.Zero(t, table.Get(a+1<<32), "a turn at which the slot was free")
	assert.False(t, table.Remove(a))
	assert.Equal(t, 2, table.Len())
	assert.ElementsMatch(t, []string{"b", "c"}, slices.Collect(table.All()))
}

// The slot of a removed value is reused.
func TestRoom(t *testing.T) {
	var table Table[int]
	for i := range 1000 {
		keys := []uint64{table.Add(i), table.Add(i), table.Add(i)}
		for _, key := range keys {
			assert.True(t, table.Remove(key))
		}
	}
	assert.Len(t, table.slots, 3)
	assert.Zero(t, table.Len())
}

// Next returns the values in turn, whatever is added and removed meanwhile.
func TestNext(t *testing.T) {
	var table Table[int]
	var cursor int
	assert.Zero(t, table.Next(&cursor))
	var keys []uint64
	for i := range 5 {
		keys = append(keys, table.Add(i))
	}
	for range 3 {
		for i := range 5 {
			assert.Equal(t, i, table.Next(&cursor))
		}
	}
	table.Remove(keys[0])
	table.Remove(keys[2])
	assert.Equal(t, 1, table.Next(&cursor))
	assert.Equal(t, 3, table.Next(&cursor))
	table.Add(5) // takes the slot of 2
	assert.Equal(t, 4, table.Next(&cursor))
	assert.Equal(t, 1, table.Next(&cursor))
	assert.Equal(t, 5, table.Next(&cursor))
	for _, key := range keys {
		table.Remove(key)
	}
	assert.Equal(t, 5, table.Next(&cursor))
	assert.Equal(t, 5, table.Next(&cursor), "the only one")
}
