package orphan

import (
	"context"
	"os"
	"sync"

	"go.execx.dev/internal/pidfd"
)

// A Queue is a set of orphans. The zero value is an empty one. All methods may be
// called at any time by any goroutine.
type Queue struct {
	mu    sync.Mutex // guards everything below; never held while a function of an orphan runs
	n     int
	empty chan struct{} // closed when n becomes 0; nil if nobody has asked for it
}

// Push adds a process, and returns at once.
//
// Once the process has ended, reap is called to collect its exit status, from the
// goroutine that watches all processes: it must not block. If the process
// cannot be watched, wait is called instead, in a goroutine of its own, to wait
// for the process and collect its status. Only one of the two is called, only once,
// and never by Push itself. The process leaves the queue after that, whether or not
// there was a status to collect.
func (q *Queue) Push(p *os.Process, reap, wait func()) {
	q.enter()
	_, err := pidfd.AfterExit(p, func() {
		defer q.leave()
		reap()
	})
	if err != nil {
		q.leaveAfter(wait)
	}
}

// Await adds a process that somebody is in the act of waiting for, until wait
// returns. It is called in a goroutine of its own.
func (q *Queue) Await(wait func()) {
	q.enter()
	q.leaveAfter(wait)
}

// Len returns how many orphans there are.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

// Drain blocks until there are no orphans, or ctx is done. It returns nil or
// ctx.Err().
func (q *Queue) Drain(ctx context.Context) error {
	q.mu.Lock()
	if q.n == 0 {
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

func (q *Queue) enter() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.n++
}

func (q *Queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.n--
	if q.n == 0 && q.empty != nil {
		close(q.empty)
		q.empty = nil
	}
}

func (q *Queue) leaveAfter(wait func()) {
	go func() {
		defer q.leave()
		wait()
	}()
}
