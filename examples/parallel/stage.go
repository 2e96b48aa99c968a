package main

import (
	"fmt"
	"slices"
	"time"
)

// A stage is how far the scheduler is on its way out. It goes on to the next one at each interrupt,
// and at the deadline of the current one.
type stage int

const (
	starting stage = iota // jobs; has no deadline
	stopping              // no job is started
	ending                // all are ended
	leaving               // what can't be ended or printed is not waited for
)

// patience is the deadline for what takes no time unless something is wrong.
const patience = 5 * time.Second

// advance goes on to the next stage.
func (s *scheduler) advance() {
	s.enter(s.stage + 1)
	if s.stage == stopping {
		s.deadline = time.After(time.Duration(s.grace))
		if n := s.status.running; n > 0 {
			s.say("stopping; %d still running will be ended in %v, or at an interrupt", n, &s.grace)
		}
	}
}

// enter goes on to a later stage.
func (s *scheduler) enter(stage stage) {
	s.stage = stage
	if s.next != nil {
		s.drop(s.next)
		s.next = nil
	}
	if stage >= ending {
		s.end()
		s.deadline = time.After(lastWords + patience)
	}
}

// haltBy stops because of a job that has ended.
func (s *scheduler) haltBy(j *job) {
	s.halted, s.code = true, j.code
	why, n := s.halt.String(), s.status.running
	if s.halt.now {
		s.enter(ending)
		s.say("--halt %s: ending %d still running", why, n)
	} else {
		s.enter(stopping)
		s.say("--halt %s: starting no more; %d still running", why, n)
	}
}

// say has a message printed next, whatever else there is to print.
func (s *scheduler) say(format string, args ...any) {
	j := newJob(0, nil)
	j.ended = true
	j.say(fmt.Sprintf(format, args...))
	s.unprinted = slices.Insert(s.unprinted, 0, j)
	s.held += j.size()
}
