package orphan

import (
	"context"
	"sync"
)

// A Queue is a set of children that no code waits for any longer. The zero value is an empty Queue.
// It is safe for concurrent use.
type Queue[Child comparable] struct {
	mu       sync.Mutex // guards everything below
	children map[Child]struct{}
	empty    chan struct{} // closed when there are no children; nil unless Drain waits
}

// Push adds a child, which stays in the queue until Remove is called.
func (q *Queue[Child]) Push(c Child) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.children == nil {
		q.children = make(map[Child]struct{})
	}
	q.children[c] = struct{}{}
}

// Remove removes a child, if it is in the queue.
func (q *Queue[Child]) Remove(c Child) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.children, c)
	if len(q.children) > 0 {
		return
	}
	q.children = nil // a map does not shrink
	if q.empty != nil {
		close(q.empty)
		q.empty = nil
	}
}

// Len returns the number of children.
func (q *Queue[Child]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.children)
}

// Drain blocks until there are no children or ctx is done. It returns nil or ctx.Err().
func (q *Queue[Child]) Drain(ctx context.Context) error {
	q.mu.Lock()
	if len(q.children) == 0 {
		q.mu.Unlock()
		return nil
	}
	if q.empty == nil {
		q.empty = make(chan struct{})
	}
	empty := q.empty
	q.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
