package main

import (
	"fmt"
	"slices"
	"time"
)

// A stage is a stage of the scheduler's shutdown. The scheduler advances to the next stage at each
// interrupt and at the deadline of the current stage.
type stage int

const (
	starting stage = iota // jobs are started; there is no deadline
	stopping              // no more jobs are started
	ending                // running jobs are ended
	leaving               // jobs that could not be ended or printed are not waited for
)

// patience is a time limit for steps that complete immediately unless something is wrong.
const patience = 5 * time.Second

// advance enters the next stage.
func (s *scheduler) advance() {
	s.enter(s.stage + 1)
	if s.stage == stopping {
		s.deadline = time.After(time.Duration(s.grace))
		if n := s.status.running; n > 0 {
			s.say("stopping; %d still running will be ended in %v, or at an interrupt", n, &s.grace)
		}
	}
}

// enter enters a later stage.
func (s *scheduler) enter(stage stage) {
	s.stage = stage
	if s.next != nil {
		s.drop(s.next)
		s.next = nil
	}
	if stage >= ending {
		s.end()
		s.deadline = time.After(killDelay + patience)
	}
}

// haltAfter stops the scheduler because j has ended.
func (s *scheduler) haltAfter(j *job) {
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

// say queues a message to be printed before everything else.
func (s *scheduler) say(format string, args ...any) {
	j := newJob(0, nil)
	j.ended = true
	j.say(fmt.Sprintf(format, args...))
	s.unprinted = slices.Insert(s.unprinted, 0, j)
	s.held += j.size()
}
