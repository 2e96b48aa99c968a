package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// A stage is how far the scheduler is on its way out. It goes on to the next
// one at each interrupt, and at the deadline of the current one.
type stage int

const (
	starting   stage = iota // jobs; has no deadline
	stopping                // no job is started
	killing                 // all are killed
	abandoning              // what can't be killed is not waited for
	leaving                 // nor is what can't be printed
)

// patience is the deadline for what takes no time unless something is wrong.
const patience = 5 * time.Second

// advance goes on to the next stage.
func (s *scheduler) advance() {
	s.stage++
	switch s.stage {
	case stopping:
		s.deadline = time.After(s.grace)
		if n := s.status.running; n > 0 {
			s.say("stopping; %d still running will be killed in %v, or at an interrupt", n, s.grace)
		}
	case killing:
		s.kill()
		s.deadline = time.After(patience)
	case abandoning:
		s.abandon()
		s.deadline = time.After(patience)
	}
}

// say has a message printed next, whatever else there is to print.
func (s *scheduler) say(format string, args ...any) {
	message := fmt.Sprintf("parallel: "+format+"\n", args...)
	j := &job{ended: true, stdout: new(bytes.Buffer), stderr: bytes.NewBufferString(message)}
	s.unprinted = slices.Insert(s.unprinted, 0, j)
	s.held += j.size()
}
