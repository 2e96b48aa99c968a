package main

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

// A shutdown is the progress of the shutdown of supervisor.
type shutdown struct {
	closing    bool
	abandoned  bool      // do not wait for the services any longer
	deadline   time.Time // when the remaining services are killed
	current    *service  // the service whose turn it is
	turnEnds   time.Time
	turns      []*service // the services after it
	exitStatus int
}

// over reports whether the shutdown is complete.
func (s *supervisor) over() bool {
	return s.closing && (s.abandoned || len(s.byName) == 0)
}

// interrupt handles an interrupt: the first one begins the shutdown, the second one kills all
// services, and the third one abandons them.
func (s *supervisor) interrupt() {
	switch {
	case !s.closing:
		s.closing = true
		s.deadline = time.Now().Add(s.grace)
		s.turns = slices.Clone(s.services)
		slices.Reverse(s.turns)
	case s.killing.Err() == nil:
		s.killAll()
	default:
		s.abandoned = true
		s.exitStatus = exitFailed
	}
}

// nextTurn shuts down the next service. All turns together take at most half of the grace period,
// so that the last service has the other half.
func (s *supervisor) nextTurn() {
	now := time.Now()
	left := s.deadline.Add(-s.grace / 2).Sub(now)
	s.turnEnds = now.Add(max(0, left/time.Duration(len(s.turns))))
	v := s.turns[0]
	s.turns = s.turns[1:]
	s.current = v
	switch {
	case s.byName[v.name] != v:
		s.turnEnds = now // a reload has shut it down
	case v.state != stopping:
		s.stop(v)
	}
}

// stopBy returns when a service that is shut down now is killed.
func (s *supervisor) stopBy() time.Time {
	if s.closing {
		return s.deadline
	}
	return time.Now().Add(s.grace)
}

// killAll kills all remaining services at once.
func (s *supervisor) killAll() {
	s.kill()
	for _, v := range s.byName {
		if v.cmd != nil {
			v.cmd.Kill()
		}
	}
	for len(s.turns) > 0 {
		s.nextTurn()
	}
}

// stop begins to shut down a service.
func (s *supervisor) stop(v *service) {
	ran := v.state == running
	if v.state == waiting {
		heap.Remove(&s.due, v.index)
	}
	v.enter(stopping)
	c := v.cmd
	if c == nil {
		s.end(exit{service: v})
		return
	}
	ctx, cancel := context.WithDeadline(s.killing, s.stopBy())
	go func() {
		defer cancel()
		err := c.Shutdown(ctx)
		ended, _ := c.TryWait()
		s.send(s.gone, exit{service: v, err: err, ran: ran, killed: ctx.Err() != nil, stuck: !ended})
	}()
}

// end completes the shutdown of a service: its group is empty, or its command cannot be killed.
func (s *supervisor) end(e exit) {
	v := e.service
	switch {
	case e.stuck:
		s.sayOf(v, "does not end: %v", e.err)
	case e.killed:
		s.sayOf(v, "had to be killed: %s", outcome(e.err))
	case e.ran:
		s.sayOf(v, "shut down: %s", outcome(e.err))
	}
	if e.ran {
		v.last = outcome(e.err)
	}
	v.release()
	switch {
	case s.closing:
		if e.stuck || e.killed {
			s.exitStatus = exitFailed
		}
		if v == s.current {
			s.turnEnds = time.Now()
		}
		delete(s.byName, v.name)
	case v.removed:
		delete(s.byName, v.name)
	default:
		s.startAt(v, time.Now())
	}
}
