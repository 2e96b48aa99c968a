package main

import (
	"os"
	"sync"
	"sync/atomic"

	"go.execx.dev/examples/internal/lines"
)

// An output is where the lines of commands go.
type output struct {
	*lines.Writer
	copying sync.WaitGroup
	open    atomic.Int64 // how many pipes are copied
	told    lines.Loss   // what was said to be lost
}

// pipe returns a file whose lines are written to the output, after the prefix, until nobody has it
// open for writing any more. The caller closes it.
func (o *output) pipe(prefix func() string) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.open.Add(1)
	o.copying.Go(func() {
		defer o.open.Add(-1)
		defer r.Close()
		o.Copy(prefix, r)
	})
	return w, nil
}

// sayLost says that lines of the output are being lost, or how many were since it said so last.
func (s *supervisor) sayLost() {
	lost := s.output.Lost()
	if lost.Err != nil && !s.over() {
		s.say("output is being lost: %v", lost.Err)
		return
	}
	if n := lost.Lines - s.output.told.Lines; n > 0 {
		s.say("lost %d lines of output, %d bytes", n, lost.Bytes-s.output.told.Bytes)
		s.output.told = lost
	}
}

// openLog opens the file that is now at the path of the log.
func (s *supervisor) openLog() error {
	log, err := os.OpenFile(s.logPath, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		s.log = log
	}
	return err
}

// reopenLog has the log written to the file that is now at its path.
func (s *supervisor) reopenLog() {
	old := s.log
	if old == nil {
		s.say("there is no log to open again")
		return
	}
	if err := s.openLog(); err != nil {
		s.say("the log remains the file that it was: %v", err)
		return
	}
	s.output.Swap(s.log)
	old.Close()
	s.say("opened the log again")
}
