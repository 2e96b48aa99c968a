package pidfd

import (
	"container/list"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lookEvery and lookAtMost pace the look at processes whose end raised
	// no event: every lookEvery, the lookAtMost that were not looked at for
	// longest. At about a microsecond each, a look costs 0.1% of one CPU.
	lookEvery  = time.Second
	lookAtMost = 1000

	// batch is how many events are taken from the epoll set at a time.
	batch = 128
)

// AfterExit arranges for f to be called once p has ended, on the goroutine that
// watches every process: f must not block. The stop function it returns ends
// the watch; if p ends meanwhile, f may be running or about to run when stop
// returns. f is never called after an error.
//
// p does not have to be a child, but no two watches can share one [os.Process].
// If p is reaped through p itself, f may be called up to a second late, or
// more if there are thousands of others: os then closes the pidfd, and the
// kernel drops its event.
//
// The error is [os.ErrProcessDone] if p has been reaped, [os.ErrNoHandle] if p
// has no pidfd, and that of epoll_create1(2) or epoll_ctl(2) if descriptors,
// watches or memory ran out.
func AfterExit(p *os.Process, f func()) (stop func(), err error) {
	w := &watch{process: p, f: f}
	if err := global.add(w); err != nil {
		return nil, err
	}
	return func() { global.remove(w) }, nil
}

var global poller

// A poller watches processes by their pidfds.
type poller struct {
	mu sync.Mutex // guards everything below; never held while a watch's f runs

	file *os.File        // the epoll set; nil until something was watched
	conn syscall.RawConn // of file
	epfd int             // of file

	running bool              // whether the goroutine of run exists
	lastKey uint64            // the key given last
	watches map[uint64]*watch // by key
	queue   list.List         // of *watch; the one looked at longest ago is first
}

// A watch is one process being watched.
type watch struct {
	process *os.Process
	f       func()

	// key names the watch in its events. A descriptor would not do: its
	// number may be another process's by the time an event is handled.
	key  uint64
	elem *list.Element // in poller.queue; nil once removed. Guarded by poller.mu.
}

func (p *poller) add(w *watch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.open(); err != nil {
		return err
	}
	p.lastKey++
	w.key = p.lastKey
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
		return err
	}
	w.elem = p.queue.PushBack(w)
	p.watches[w.key] = w
	if !p.running {
		p.running = true
		p.file.SetReadDeadline(time.Now().Add(lookEvery))
		go p.run()
	}
	return nil
}

// remove ends the watch, and reports whether that was for this call to do.
func (p *poller) remove(w *watch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.elem == nil {
		return false
	}
	p.queue.Remove(w.elem)
	w.elem = nil
	delete(p.watches, w.key)
	// If the process has been reaped its pidfd is closed, and out of the set.
	p.control(w, unix.EPOLL_CTL_DEL, nil)
	if len(p.watches) == 0 {
		p.file.SetReadDeadline(time.Unix(1, 0)) // wakes run, which then returns
	}
	return true
}

// control calls epoll_ctl(2) for the pidfd of w, within WithHandle, where the
// descriptor cannot be closed and its number reused.
func (p *poller) control(w *watch, op int, event *unix.EpollEvent) error {
	var ctlErr error
	err := w.process.WithHandle(func(handle uintptr) {
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
	p.watches = make(map[uint64]*watch)
	return nil
}

// run handles events until nothing is watched.
func (p *poller) run() {
	for p.watching() {
		err := p.conn.Read(func(uintptr) bool { return p.drain() })
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.look()
			p.mu.Lock()
			p.file.SetReadDeadline(time.Now().Add(lookEvery))
			p.mu.Unlock()
		}
	}
}

// watching reports whether anything is watched. If not, run returns: the
// decision and the note of it are one, so that add knows to start it again.
func (p *poller) watching() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = len(p.watches) > 0
	return p.running
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
			return len(p.watches) == 0
		}
	}
}

func (p *poller) lookup(key uint64) *watch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watches[key]
}

// look checks processes whether or not there was an event for them.
func (p *poller) look() {
	p.mu.Lock()
	n := min(len(p.watches), lookAtMost)
	p.mu.Unlock()
	for range n {
		p.check(p.next())
	}
}

// next returns the watch that was looked at longest ago, nil if there is none,
// and puts it at the end of the queue.
func (p *poller) next() *watch {
	p.mu.Lock()
	defer p.mu.Unlock()
	front := p.queue.Front()
	if front == nil {
		return nil
	}
	p.queue.MoveToBack(front)
	return front.Value.(*watch)
}

// check calls w's function if its process has ended. w is nil if the event was
// that of a watch that has since been removed.
func (p *poller) check(w *watch) {
	if w == nil {
		return
	}
	// An error means that os has let go of the pidfd, because the process was
	// reaped or released: there is nothing more to wait for.
	if exited, err := Exited(w.process); !exited && err == nil {
		return
	}
	if p.remove(w) {
		w.f()
	}
}
