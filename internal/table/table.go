// Package table keeps values by keys. A key is not given to another value before its slot has been
// used two billion times.
package table

import "iter"

// A Table is a set of values, each with a key that was made for it. It takes less memory for each
// than a map does, and keeps the room that it once needed. The zero value is an empty one. It is not
// safe for concurrent use.
type Table[T any] struct {
	slots []slot[T]
	free  uint32 // the first of the free slots, plus one
	len   int
}

// A slot has room for one value after the other. Its turn is odd while it has one.
type slot[T any] struct {
	value      T
	generation uint32
	next       uint32 // of the free slots, plus one
}

// Add adds v, and returns its key, which is not 0.
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

// Get returns the value of key, or the zero value if it was removed.
func (t *Table[T]) Get(key uint64) (v T) {
	if s := t.slot(key); s != nil {
		v = s.value
	}
	return v
}

// Remove removes the value of key, and reports whether it was there.
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

// slot returns what has the value of key, or nil if it was removed.
func (t *Table[T]) slot(key uint64) *slot[T] {
	i := uint32(key)
	if i == 0 || int(i) > len(t.slots) || t.slots[i-1].generation != uint32(key>>32) {
		return nil
	}
	return &t.slots[i-1]
}

// Len returns how many values there are.
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

// Slots returns how many slots there are, with a value or without.
func (t *Table[T]) Slots() int { return len(t.slots) }

// At returns the value in a slot, or the zero value if there is none.
func (t *Table[T]) At(slot int) T { return t.slots[slot].value }

// Next returns the value at the cursor or the next after it, the first being next to the last, and
// moves the cursor behind it. It returns the zero value if there are none.
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
