package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.execx.dev/examples/internal/lines"
)

// maxMessages is how many messages are buffered for a slow reader.
const maxMessages = 4096

// A journal writes supervisor's own messages. It writes them in a separate goroutine, so that a
// slow reader does not block the supervision.
type journal struct {
	*lines.Writer
	messages chan string
	dropped  int // messages dropped because the buffer was full
	done     <-chan struct{}
}

func newJournal(w *lines.Writer) *journal {
	j := &journal{Writer: w, messages: make(chan string, maxMessages)}
	j.done = done(func() {
		for m := range j.messages {
			j.WriteLine(m)
		}
	})
	return j
}

func (j *journal) add(message string) {
	select {
	case j.messages <- message:
	default:
		j.dropped++
	}
}

// say adds a message to the journal.
func (s *supervisor) say(format string, args ...any) {
	prefix := s.stamp() + "supervisor: "
	if n := s.journal.dropped; n > 0 && len(s.journal.messages) < maxMessages/2 {
		s.journal.dropped = 0
		s.journal.add(fmt.Sprintf("%s%d messages are missing here", prefix, n))
	}
	s.journal.add(prefix + printable(fmt.Sprintf(format, args...)))
}

// sayOf adds a message about a service to the journal.
func (s *supervisor) sayOf(v *service, format string, args ...any) {
	s.say("%s: %s", v.name, fmt.Sprintf(format, args...))
}

// stamp returns the prefix of a line: the time, or "" if timestamps are off.
func (s *supervisor) stamp() string {
	if !s.timestamps {
		return ""
	}
	return time.Now().Format("2006-01-02T15:04:05.000Z07:00 ")
}

// printable returns s, quoted as in a Go string if it contains control characters: it stays on one
// line and cannot control the terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		s = strconv.Quote(s)
		s = s[1 : len(s)-1]
	}
	return s
}

// flushTime is how long supervisor waits before it exits for output to be written.
var flushTime = time.Second // changed by tests

// flush writes the remaining output and messages. It gives up after a while: a process that has
// left its group may still have a pipe open, and the reader of the output may not read.
func (s *supervisor) flush() {
	select {
	case <-done(s.output.copying.Wait):
	case <-time.After(flushTime):
		s.say("gave up copying the output of %d processes", s.output.open.Load())
	}
	s.sayLost()
	close(s.journal.messages)
	select {
	case <-s.journal.done:
	case <-time.After(flushTime / 2):
	}
}

// done returns a channel that is closed once f has returned.
func done(f func()) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		defer close(c)
		f()
	}()
	return c
}
