package pidfd

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/table"
)

// PollInterval and lookAtMost pace the look at processes whose end raised no event:
// every LookEvery, the lookAtMost that were not looked at for longest. At about a
// microsecond each, a look costs 0.1% of one CPU.
var PollInterval = time.Second // changed by tests

const maxPolls = 1000

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

// AfterStateChange is AfterExit for a child that this program traces: f is also called once p
// has stopped.
func (p Process) AfterStateChange(f func()) (*Watch, error) {
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

// registerLocked adds w. q.mu is held.
func (q *queue) registerLocked(w *Watch) { w.key = q.watches.Add(w) }

// drop removes w, and reports whether it was there. q.mu is held.
func (q *queue) unregisterLocked(w *Watch) bool {
	there := q.watches.Remove(w.key)
	w.key = 0
	return there
}

// nextLocked returns the watch that is to be looked at next, or nil if there is none. q.mu is held.
func (q *queue) nextLocked() *Watch { return q.watches.Next(&q.cursor) }

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

// batch is how many events are taken from the epoll set at a time.
const batch = 128

// A poller watches processes by their pidfds.
type poller struct {
	queue // its mutex guards everything below, too

	file *os.File        // the epoll set; nil until something was watched
	conn syscall.RawConn // of file
	epfd int             // of file
}

func (p *poller) add(w *Watch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.open(); err != nil {
		return err
	}
	// The event has the key. The descriptor would not do: its number may be another process's by the
	// time that the event is handled.
	p.registerLocked(w)
	// Edge-triggered, because a process under ptrace is readable from its exit
	// until the tracer lets go: level-triggered, or one-shot and armed again,
	// it would be reported over and over meanwhile. The kernel raises another
	// edge when the tracer has let go.
	event := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLET,
		Fd:     int32(w.key),
		Pad:    int32(w.key >> 32),
	}
	if err := p.control(w, unix.EPOLL_CTL_ADD, &event); err != nil {
		p.unregisterLocked(w)
		return err
	}
	if !p.running {
		p.running = true
		p.file.SetReadDeadline(time.Now().Add(PollInterval))
		go p.run()
	}
	return nil
}

func (p *poller) remove(w *Watch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.unregisterLocked(w) {
		return false
	}
	// If the process has been reaped its pidfd is closed, and out of the set.
	p.control(w, unix.EPOLL_CTL_DEL, nil)
	if p.watches.Len() == 0 {
		p.file.SetReadDeadline(time.Unix(1, 0)) // wakes run, which then returns
	}
	return true
}

// control calls epoll_ctl(2) for the pidfd of w, within WithHandle, where the
// descriptor cannot be closed and its number reused.
func (p *poller) control(w *Watch, op int, event *unix.EpollEvent) error {
	var ctlErr error
	err := w.process.OS.WithHandle(func(handle uintptr) {
		ctlErr = unix.EpollCtl(p.epfd, op, int(handle), event)
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("epoll_ctl", ctlErr)
}

// open makes the epoll set on first use. It is never closed: making it anew
// whenever a watch is the only one would cost more than the descriptor.
func (p *poller) open() error {
	if p.file != nil {
		return nil
	}
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(epfd, true); err != nil {
		unix.Close(epfd)
		return os.NewSyscallError("fcntl", err)
	}
	// Being non-blocking and pollable, file is handed to the runtime's poller.
	file := os.NewFile(uintptr(epfd), "epoll")
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		file.Close()
		return err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return err
	}
	p.file, p.conn, p.epfd = file, conn, epfd
	return nil
}

// run handles events until nothing is watched.
func (p *poller) run() {
	for p.watching() {
		err := p.conn.Read(func(uintptr) bool { return p.drain() })
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.checkSome()
			p.mu.Lock()
			p.file.SetReadDeadline(time.Now().Add(PollInterval))
			p.mu.Unlock()
		}
	}
}

// drain handles all pending events. It returns false, for "park until there are
// more", unless nothing is watched any longer.
func (p *poller) drain() bool {
	var events [batch]unix.EpollEvent
	for {
		n, err := unix.EpollWait(p.epfd, events[:], 0)
		if err == unix.EINTR {
			continue
		}
		for _, e := range events[:max(n, 0)] {
			p.check(p.lookup(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32))
		}
		if n < batch {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.watches.Len() == 0
		}
	}
}

func (p *poller) lookup(key uint64) *Watch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watches.Get(key)
}

// checkSome checks processes whether or not there was an event for them.
func (p *poller) checkSome() {
	for range min(p.len(), maxPolls) {
		p.mu.Lock()
		w := p.nextLocked()
		p.mu.Unlock()
		p.check(w)
	}
}

// check calls w's function if its process has ended. w is nil if the event was
// that of a watch that has since been removed.
func (p *poller) check(w *Watch) {
	if w != nil && w.ended() && p.remove(w) {
		w.f()
	}
}
