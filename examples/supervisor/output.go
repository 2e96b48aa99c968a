package main

import (
	"os"
	"sync"
	"sync/atomic"

	"go.execx.dev/examples/internal/lines"
)

// An output collects the lines that the commands write.
type output struct {
	*lines.Writer
	copying  sync.WaitGroup
	open     atomic.Int64 // number of pipes being copied
	reported lines.Loss   // the loss reported so far
}

// pipe returns the write end of a pipe. Each line written to it is copied to the output after the
// prefix, until all write ends are closed. The caller must close the file.
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

// sayLost reports that output is being lost or, once it can be written again, how much was lost
// since the last report.
func (s *supervisor) sayLost() {
	lost := s.output.Lost()
	if lost.Err != nil && !s.over() {
		s.say("output is being lost: %v", lost.Err)
		return
	}
	if n := lost.Lines - s.output.reported.Lines; n > 0 {
		s.say("lost %d lines of output, %d bytes", n, lost.Bytes-s.output.reported.Bytes)
		s.output.reported = lost
	}
}

// openLog opens or creates the log file.
func (s *supervisor) openLog() error {
	log, err := os.OpenFile(s.logPath, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		s.log = log
	}
	return err
}

// reopenLog opens the log file again, which may have been renamed, and switches the output to it.
func (s *supervisor) reopenLog() {
	old := s.log
	if old == nil {
		s.say("there is no log to reopen")
		return
	}
	if err := s.openLog(); err != nil {
		s.say("still writing to the old log: %v", err)
		return
	}
	s.output.Swap(s.log)
	old.Close()
	s.say("reopened the log")
}
