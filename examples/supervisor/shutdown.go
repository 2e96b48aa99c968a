package main

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

// A shutdown is how far supervisor is with its end.
type shutdown struct {
	closing    bool
	abandoned  bool      // nothing is waited for any more
	deadline   time.Time // when those that are left are killed
	asking     *service  // whose turn it is to end
	turnEnds   time.Time
	turns      []*service // those that come after it
	exitStatus int
}

// over reports whether all is done.
func (s *supervisor) over() bool {
	return s.closing && (s.abandoned || len(s.byName) == 0)
}

// interrupt begins the shutdown. The second one kills all services, and the third one abandons
// them.
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

// nextTurn asks the next service to end. All turns together take no more than half of the time, so
// that the last one has the other half.
func (s *supervisor) nextTurn() {
	now := time.Now()
	left := s.deadline.Add(-s.grace / 2).Sub(now)
	s.turnEnds = now.Add(max(0, left/time.Duration(len(s.turns))))
	v := s.turns[0]
	s.turns = s.turns[1:]
	s.asking = v
	switch {
	case s.byName[v.name] != v:
		s.turnEnds = now // it was asked by a reload, and is gone
	case v.state != stopping:
		s.stop(v)
	}
}

// stopBy returns when a service that is asked to end is killed.
func (s *supervisor) stopBy() time.Time {
	if s.closing {
		return s.deadline
	}
	return time.Now().Add(s.grace)
}

// killAll kills what is left, and not each in its turn.
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

// stop asks a service to end.
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
		known, _ := c.TryWait()
		s.send(s.gone, exit{service: v, err: err, ran: ran, killed: ctx.Err() != nil, stuck: !known})
	}()
}

// end has the last of a service that was asked to end: nothing of its group is left.
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
	v.letGo()
	switch {
	case s.closing:
		if e.stuck || e.killed {
			s.exitStatus = exitFailed
		}
		if v == s.asking {
			s.turnEnds = time.Now()
		}
		delete(s.byName, v.name)
	case v.removed:
		delete(s.byName, v.name)
	default:
		s.startAt(v, time.Now())
	}
}
