package pidfd

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// sigchld watches children that have no pidfd or whose stops count. On each SIGCHLD it checks all
// of them, because signals that arrive together are merged into one.
type sigchld struct {
	queue // its mutex also guards signals, and the use of processes: none is used after its removal

	signals chan os.Signal // of the running goroutine; has capacity 1, since one pending signal is enough
}

func (s *sigchld) add(w *Watch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		s.signals = make(chan os.Signal, 1)
		subscribe(s.signals)
	}
	// Now that the subscription exists and the mutex is held, an exit that is not seen here sends a
	// signal that run handles next.
	var err error
	if !w.stops {
		_, err = w.process.peekByPID()
	}
	if err == nil {
		s.registerLocked(w)
		if w.ended() {
			s.wakeLocked()
		}
	}
	switch {
	case s.running:
	case err != nil:
		signal.Stop(s.signals)
	default:
		s.running = true
		go s.run(s.signals)
	}
	return err
}

func (s *sigchld) remove(w *Watch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeLocked(w)
}

// removeLocked also wakes run, which then returns, if it has removed the last watch.
func (s *sigchld) removeLocked(w *Watch) bool {
	dropped := s.queue.unregisterLocked(w)
	if dropped && s.watches.Len() == 0 {
		s.wakeLocked()
	}
	return dropped
}

// wakeLocked makes run check all watches, as a signal does.
func (s *sigchld) wakeLocked() {
	select {
	case s.signals <- unix.SIGCHLD:
	default:
	}
}

// run checks the children until none is watched.
func (s *sigchld) run(signals chan os.Signal) {
	defer signal.Stop(signals)
	tick := time.NewTicker(PollInterval)
	defer tick.Stop()
	for s.watching() {
		select {
		case <-signals:
			s.checkAll()
		case <-tick.C:
			subscribe(signals)
			for range min(s.len(), maxPolls) {
				s.check(s.nextLocked)
			}
		}
	}
}

// subscribe requests SIGCHLD on signals, and renews the subscription if [signal.Reset] has
// cancelled it. If the program ignores SIGCHLD, the kernel reaps its children. That is the
// program's choice, which Notify would override, so subscribe then does nothing.
func subscribe(signals chan os.Signal) {
	if !signal.Ignored(unix.SIGCHLD) {
		signal.Notify(signals, unix.SIGCHLD)
	}
}

// checkAll checks all watches, except those added meanwhile, which add checks.
func (s *sigchld) checkAll() {
	s.mu.Lock()
	slots := s.watches.Slots()
	s.mu.Unlock()
	for i := range slots {
		s.check(func() *Watch { return s.watches.At(i) })
	}
}

// check calls the function of the watch that choose returns, if there is one and its child has
// ended. choose is called with s.mu held.
func (s *sigchld) check(choose func() *Watch) {
	s.mu.Lock()
	w := choose()
	ended := w != nil && w.ended() && s.removeLocked(w)
	s.mu.Unlock()
	if ended {
		w.f()
	}
}
