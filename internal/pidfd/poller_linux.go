package pidfd

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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
	p.push(w)
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
		p.drop(w)
		return err
	}
	if !p.running {
		p.running = true
		p.file.SetReadDeadline(time.Now().Add(LookEvery))
		go p.run()
	}
	return nil
}

func (p *poller) remove(w *Watch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.drop(w) {
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
			p.look()
			p.mu.Lock()
			p.file.SetReadDeadline(time.Now().Add(LookEvery))
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

// look checks processes whether or not there was an event for them.
func (p *poller) look() {
	for range min(p.len(), lookAtMost) {
		p.mu.Lock()
		w := p.next()
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
