package pidfd

import (
	"container/list"
	"os"
	"sync"
	"time"
)

// lookEvery and lookAtMost pace the look at processes whose end raised no event:
// every lookEvery, the lookAtMost that were not looked at for longest. At about a
// microsecond each, a look costs 0.1% of one CPU.
var lookEvery = time.Second // changed by tests

const lookAtMost = 1000

// AfterExit arranges for f to be called once p has ended, on a goroutine that
// watches many processes: f must not block. The stop function it returns ends
// the watch; if p ends meanwhile, f may be running or about to run when stop
// returns. f is never called after an error.
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
func (p Process) AfterExit(f func()) (stop func(), err error) {
	return p.watch(f, false)
}

// AfterNews is AfterExit for a child that this program traces: f is also called once p
// has stopped.
func (p Process) AfterNews(f func()) (stop func(), err error) {
	return p.watch(f, true)
}

func (p Process) watch(f func(), stops bool) (stop func(), err error) {
	w := &watch{process: p, f: f, stops: stops}
	by := w.watcher()
	if err := by.add(w); err != nil {
		return nil, err
	}
	return func() { by.remove(w) }, nil
}

// A watcher calls the functions of the watches that are added to it. It has a
// goroutine for that while there are any.
type watcher interface {
	add(w *watch) error

	// remove ends the watch, and reports whether that was for this call to do.
	remove(w *watch) bool
}

var (
	byPidfd  poller
	bySignal sigchld
)

// watcher returns what w is to be added to. Stops raise no event of a pidfd, but a SIGCHLD.
func (w *watch) watcher() watcher {
	if w.stops || w.process.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle {
		return &bySignal
	}
	return &byPidfd
}

// A watch is one process being watched.
type watch struct {
	process Process
	f       func()
	stops   bool // whether they count

	elem *list.Element // in the queue; nil once removed. Guarded by queue.mu.
	key  uint64        // names the watch in the events of a poller
}

// ended reports whether there is nothing more to wait for. That is also so if
// nothing can be learnt of the process any longer, because it has been reaped
// or released.
func (w *watch) ended() bool {
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

	running bool      // whether the goroutine of the watcher exists
	list    list.List // of *watch; the one looked at longest ago is first
}

// push adds w. q.mu is held.
func (q *queue) push(w *watch) {
	w.elem = q.list.PushBack(w)
}

// drop removes w, and reports whether it was there. q.mu is held.
func (q *queue) drop(w *watch) bool {
	if w.elem == nil {
		return false
	}
	q.list.Remove(w.elem)
	w.elem = nil
	return true
}

// next returns the watch that was looked at longest ago, nil if there is none,
// and puts it at the end of the queue. q.mu is held.
func (q *queue) next() *watch {
	front := q.list.Front()
	if front == nil {
		return nil
	}
	q.list.MoveToBack(front)
	return front.Value.(*watch)
}

// len returns how many watches there are.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.list.Len()
}

// watching reports whether anything is watched. If not, the goroutine of the
// watcher returns: the decision and the note of it are one, so that add knows
// to start it again.
func (q *queue) watching() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = q.list.Len() > 0
	return q.running
}
