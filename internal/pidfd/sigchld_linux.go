package pidfd

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// sigchld watches children that have no pidfd, or whose stops count. Whenever a SIGCHLD says that one
// of them may have ended, it looks at all, because signals that arrive together
// become one.
type sigchld struct {
	queue // its mutex guards signals, too, and that no process is touched once removed

	signals chan os.Signal // of the goroutine that is running; room for one is all that news needs
}

func (s *sigchld) add(w *Watch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		s.signals = make(chan os.Signal, 1)
		subscribe(s.signals)
	}
	// With the subscription made and the mutex held, an end that is not seen
	// here is in the signals that run handles next.
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

// removeLocked also wakes run, which returns, if it has removed the last watch. s.mu is
// held.
func (s *sigchld) removeLocked(w *Watch) bool {
	dropped := s.queue.unregisterLocked(w)
	if dropped && s.watches.Len() == 0 {
		s.wakeLocked()
	}
	return dropped
}

// wakeLocked makes run look, as a signal does. s.mu is held.
func (s *sigchld) wakeLocked() {
	select {
	case s.signals <- unix.SIGCHLD:
	default:
	}
}

// run looks at the children until none is watched.
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

// subscribe has SIGCHLD sent to signals, also if [signal.Reset] has put an end to
// that before. A program that ignores SIGCHLD has its children reaped by the
// kernel, which is for it to decide: Notify would end that.
func subscribe(signals chan os.Signal) {
	if !signal.Ignored(unix.SIGCHLD) {
		signal.Notify(signals, unix.SIGCHLD)
	}
}

// checkAll looks at all watches but those that are added meanwhile, which add looks at.
func (s *sigchld) checkAll() {
	s.mu.Lock()
	slots := s.watches.Slots()
	s.mu.Unlock()
	for i := range slots {
		s.check(func() *Watch { return s.watches.At(i) })
	}
}

// look calls the function of the watch that choose returns, if there is one whose child has ended.
func (s *sigchld) check(choose func() *Watch) {
	s.mu.Lock()
	w := choose()
	ended := w != nil && w.ended() && s.removeLocked(w)
	s.mu.Unlock()
	if ended {
		w.f()
	}
}
