// Package table provides a table of values with keys. A key is reused only after its slot has been
// used two billion times.
package table

import "iter"

// A Table is a set of values, each with a key generated for it. It needs less memory per value than
// a map, and does not shrink. The zero value is an empty Table. It is not safe for concurrent use.
type Table[T any] struct {
	slots []slot[T]
	free  uint32 // index of the first free slot, plus one
	len   int
}

// A slot holds one value at a time. Its generation is odd while it holds one.
type slot[T any] struct {
	value      T
	generation uint32
	next       uint32 // index of the next free slot, plus one
}

// Add adds v and returns its key, which is not 0.
func (t *Table[T]) Add(v T) (key uint64) {
	i := t.free
	if i == 0 {
		t.slots = append(t.slots, slot[T]{})
		i = uint32(len(t.slots))
	}
	s := &t.slots[i-1]
	t.free, s.next = s.next, 0
	s.value = v
	s.generation++
	t.len++
	return uint64(s.generation)<<32 | uint64(i)
}

// Get returns the value with the given key, or the zero value if it was removed.
func (t *Table[T]) Get(key uint64) (v T) {
	if s := t.slot(key); s != nil {
		v = s.value
	}
	return v
}

// Remove removes the value with the given key, and reports whether it was there.
func (t *Table[T]) Remove(key uint64) bool {
	s := t.slot(key)
	if s == nil {
		return false
	}
	*s = slot[T]{generation: s.generation + 1, next: t.free}
	t.free = uint32(key)
	t.len--
	return true
}

// slot returns the slot that holds the value with the given key, or nil if the value was removed.
func (t *Table[T]) slot(key uint64) *slot[T] {
	i := uint32(key)
	if i == 0 || int(i) > len(t.slots) || t.slots[i-1].generation != uint32(key>>32) {
		return nil
	}
	return &t.slots[i-1]
}

// Len returns the number of values.
func (t *Table[T]) Len() int { return t.len }

// All returns an iterator over the values.
func (t *Table[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, s := range t.slots {
			if s.generation%2 == 1 && !yield(s.value) {
				return
			}
		}
	}
}

// Slots returns the number of slots, including free ones.
func (t *Table[T]) Slots() int { return len(t.slots) }

// At returns the value in a slot, or the zero value if the slot is free.
func (t *Table[T]) At(slot int) T { return t.slots[slot].value }

// Next returns the first value at or after the cursor, wrapping around at the end, and moves the
// cursor behind it. It returns the zero value if there are no values.
func (t *Table[T]) Next(cursor *int) (v T) {
	for range t.slots {
		s := &t.slots[*cursor%len(t.slots)]
		*cursor = *cursor%len(t.slots) + 1
		if s.generation%2 == 1 {
			return s.value
		}
	}
	return v
}
