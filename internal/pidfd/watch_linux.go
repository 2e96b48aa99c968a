package pidfd

import (
	"os"
	"sync"
	"time"

	"go.execx.dev/internal/table"
)

// LookEvery and lookAtMost pace the look at processes whose end raised no event:
// every LookEvery, the lookAtMost that were not looked at for longest. At about a
// microsecond each, a look costs 0.1% of one CPU.
var LookEvery = time.Second // changed by tests

const lookAtMost = 1000

// AfterExit arranges for f to be called once p has ended, on a goroutine that
// watches many processes: f must not block. It is never called after an error.
//
// If p has a pidfd, it does not have to be a child, but no two watches can share
// one [os.Process]. If p has none, it is watched by its number, which has to be
// that of a child.
//
// f may be called up to a second late, or more if there are thousands of others,
// if the end of p raises no event. That is so if p is reaped through p
// itself, because os then closes the pidfd, and the kernel drops its event; and,
// without pidfd, if the program takes SIGCHLD away by [signal.Ignore] or [signal.Reset].
//
// The error is [os.ErrProcessDone] if p has been reaped, [os.ErrNoHandle] if p
// has no pidfd and is not a child, and that of epoll_create1(2) or epoll_ctl(2) if
// descriptors, watches or memory ran out.
func (p Process) AfterExit(f func()) (*Watch, error) {
	return p.watch(f, false)
}

// AfterNews is AfterExit for a child that this program traces: f is also called once p
// has stopped.
func (p Process) AfterNews(f func()) (*Watch, error) {
	return p.watch(f, true)
}

func (p Process) watch(f func(), stops bool) (*Watch, error) {
	w := &Watch{process: p, f: f, stops: stops}
	// Stops raise no event of a pidfd, but a SIGCHLD.
	w.bySignal = stops || p.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle
	if err := w.watcher().add(w); err != nil {
		return nil, err
	}
	return w, nil
}

// A watcher calls the functions of the watches that are added to it. It has a
// goroutine for that while there are any.
type watcher interface {
	add(w *Watch) error

	// remove ends the watch, and reports whether that was for this call to do.
	remove(w *Watch) bool
}

var (
	byPidfd  poller
	bySignal sigchld
)

// A Watch is one process being watched.
type Watch struct {
	process  Process
	f        func()
	stops    bool // whether they count
	bySignal bool

	key uint64 // in the queue; 0 once removed. Guarded by queue.mu.
}

// Stop ends the watch. If the process ends meanwhile, the function may be running or about to
// run when Stop returns.
func (w *Watch) Stop() { w.watcher().remove(w) }

// watcher returns what w is added to.
func (w *Watch) watcher() watcher {
	if w.bySignal {
		return &bySignal
	}
	return &byPidfd
}

// ended reports whether there is nothing more to wait for. That is also so if
// nothing can be learnt of the process any longer, because it has been reaped
// or released.
func (w *Watch) ended() bool {
	var ended bool
	var err error
	if w.stops {
		ended, err = w.process.Waitable(true)
	} else {
		ended, err = w.process.Exited()
	}
	return ended || err != nil
}

// A queue is what a watcher watches.
type queue struct {
	mu sync.Mutex // guards everything below; never held while a watch's f runs

	running bool // whether the goroutine of the watcher exists
	watches table.Table[*Watch]
	cursor  int // of the watches, behind the one looked at last
}

// push adds w. q.mu is held.
func (q *queue) push(w *Watch) { w.key = q.watches.Add(w) }

// drop removes w, and reports whether it was there. q.mu is held.
func (q *queue) drop(w *Watch) bool {
	there := q.watches.Remove(w.key)
	w.key = 0
	return there
}

// next returns the watch that is to be looked at next, or nil if there is none. q.mu is held.
func (q *queue) next() *Watch { return q.watches.Next(&q.cursor) }

// len returns how many watches there are.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.watches.Len()
}

// watching reports whether anything is watched. If not, the goroutine of the
// watcher returns: the decision and the note of it are one, so that add knows
// to start it again.
func (q *queue) watching() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = q.watches.Len() > 0
	return q.running
}
