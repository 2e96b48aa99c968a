package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A joblog writes a line about each command, in the columns of GNU parallel.
type joblog struct {
	mu     sync.Mutex // guards the fields below
	w      io.Writer
	failed bool // writing has failed; write nothing more
}

func newJoblog(w io.Writer) (*joblog, error) {
	_, err := io.WriteString(w, "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n")
	return &joblog{w: w}, err
}

// write writes the line about a job that has just ended with err. It returns only the first write
// error. On a nil joblog, write does nothing.
func (l *joblog) write(j *job, started time.Time, err error) error {
	if l == nil {
		return nil
	}
	code, sig := j.code, j.signal()
	if sig > 0 {
		code = 0
	}
	if _, timedOut := errors.AsType[*timeoutError](err); timedOut {
		code = -1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed {
		return nil
	}
	_, err = fmt.Fprintf(l.w, "%d\t:\t%d.%03d\t%10.3f\t0\t%d\t%d\t%d\t%s\n",
		j.seq, started.Unix(), started.Nanosecond()/1e6, time.Since(started).Seconds(),
		j.stdout.Len(), code, sig, strings.ReplaceAll(quoted(j.args), "\t", " "))
	l.failed = err != nil
	return err
}
