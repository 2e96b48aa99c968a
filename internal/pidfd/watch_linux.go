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

// PollInterval and maxPolls limit the checks of processes whose exit raised no event: every
// PollInterval, the maxPolls processes that were checked least recently are checked. At about a
// microsecond per check, that costs 0.1% of one CPU.
var PollInterval = time.Second // changed by tests

const maxPolls = 1000

// AfterExit arranges for f to be called when p has ended. f is called on a goroutine that watches
// many processes, so it must not block. If AfterExit returns an error, f is never called.
//
// If p has a pidfd, it need not be a child, but an [os.Process] can have only one watch at a time.
// If p has no pidfd, it is watched by its PID and must be a child.
//
// If the end of p raises no event, f is called up to a second late, or later with thousands of
// other processes. That happens if p is reaped through p itself, because package os then closes the
// pidfd, and the kernel drops the event; and, without a pidfd, if the program calls [signal.Ignore]
// or [signal.Reset] for SIGCHLD.
//
// The error is [os.ErrProcessDone] if p has been reaped, [os.ErrNoHandle] if p has no pidfd and is
// not a child, and that of epoll_create1(2) or epoll_ctl(2) if descriptors, watches or memory have
// run out.
func (p Process) AfterExit(f func()) (*Watch, error) {
	return p.watch(f, false)
}

// AfterStateChange is like AfterExit, for a child that this process traces: f is also called when p
// has stopped.
func (p Process) AfterStateChange(f func()) (*Watch, error) {
	return p.watch(f, true)
}

func (p Process) watch(f func(), stops bool) (*Watch, error) {
	w := &Watch{process: p, f: f, stops: stops}
	// A stop raises no event of a pidfd, but sends SIGCHLD.
	w.bySignal = stops || p.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle
	if err := w.watcher().add(w); err != nil {
		return nil, err
	}
	return w, nil
}

// A watcher calls the functions of the watches added to it. It runs a goroutine while it has any
// watches.
type watcher interface {
	add(w *Watch) error

	// remove ends the watch, and reports whether w was still being watched.
	remove(w *Watch) bool
}

var (
	byPidfd  poller
	bySignal sigchld
)

// A Watch is a process being watched.
type Watch struct {
	process  Process
	f        func()
	stops    bool // whether the function is also called when the process stops
	bySignal bool

	key uint64 // in the queue; 0 once removed; guarded by queue.mu
}

// Stop ends the watch. If the process ends meanwhile, the function may still be running, or start
// to run, after Stop returns.
func (w *Watch) Stop() { w.watcher().remove(w) }

// watcher returns the watcher that w was added to.
func (w *Watch) watcher() watcher {
	if w.bySignal {
		return &bySignal
	}
	return &byPidfd
}

// ended reports whether there is nothing left to wait for. That is also the case if the state of
// the process can no longer be determined, because it has been reaped or released.
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

// A queue holds the watches of a watcher.
type queue struct {
	mu sync.Mutex // guards everything below; not held while the function of a watch runs

	running bool // whether the goroutine of the watcher exists
	watches table.Table[*Watch]
	cursor  int // in watches, after the one checked last
}

// registerLocked adds w.
func (q *queue) registerLocked(w *Watch) { w.key = q.watches.Add(w) }

// unregisterLocked removes w, and reports whether it was registered.
func (q *queue) unregisterLocked(w *Watch) bool {
	there := q.watches.Remove(w.key)
	w.key = 0
	return there
}

// nextLocked returns the watch to check next, or nil if there are none.
func (q *queue) nextLocked() *Watch { return q.watches.Next(&q.cursor) }

// len returns the number of watches.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.watches.Len()
}

// watching reports whether anything is watched. If not, the goroutine of the watcher must return:
// watching has cleared q.running under the lock, so the next add starts a new goroutine.
func (q *queue) watching() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = q.watches.Len() > 0
	return q.running
}

// batch is the number of events taken from the epoll set at a time.
const batch = 128

// A poller watches processes through their pidfds.
type poller struct {
	queue // its mutex also guards everything below

	file *os.File        // the epoll set; nil before the first watch
	conn syscall.RawConn // of file
	epfd int             // of file
}

func (p *poller) add(w *Watch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.open(); err != nil {
		return err
	}
	// The event carries the key. It can't carry the descriptor, which may belong to another process
	// by the time the event is handled.
	p.registerLocked(w)
	// Use edge-triggered events, because a process under ptrace is readable from its exit until the
	// tracer releases it. Level-triggered events, or one-shot events that are rearmed, would be
	// reported over and over meanwhile. The kernel raises another edge when the tracer releases the
	// process.
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
	// If the process has been reaped, its pidfd is closed and no longer in the set.
	p.control(w, unix.EPOLL_CTL_DEL, nil)
	if p.watches.Len() == 0 {
		p.file.SetReadDeadline(time.Unix(1, 0)) // wakes run, which then returns
	}
	return true
}

// control calls epoll_ctl(2) for the pidfd of w. It does so inside WithHandle, where the descriptor
// can't be closed and reused.
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

// open creates the epoll set on first use. It is never closed: creating it again for each watch
// that is the only one would cost more than keeping the descriptor open.
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
	if err := checkRoom(epfd); err != nil {
		unix.Close(epfd)
		return err
	}
	// Since file is non-blocking and pollable, it is registered with the runtime's poller.
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

// checkRoom returns an error if there are not two more descriptors. The runtime needs them for its
// poller, and aborts the program if it can't have them when the poller is first used.
func checkRoom(fd int) error {
	for range 2 {
		other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		defer unix.Close(other)
	}
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

// drain handles all pending events. It returns false, which parks the goroutine until there are
// more, unless nothing is watched any longer.
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

// checkSome checks up to maxPolls processes, whether or not they had an event.
func (p *poller) checkSome() {
	for range min(p.len(), maxPolls) {
		p.mu.Lock()
		w := p.nextLocked()
		p.mu.Unlock()
		p.check(w)
	}
}

// check calls the function of w if its process has ended. w is nil for an event of a watch that has
// been removed.
func (p *poller) check(w *Watch) {
	if w != nil && w.ended() && p.remove(w) {
		w.f()
	}
}
