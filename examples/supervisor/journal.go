package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.execx.dev/examples/internal/lines"
)

// maxMessages is how many messages are kept for a reader that takes its time.
const maxMessages = 4096

// A journal is what supervisor says. It is written by a goroutine of its own: what is supervised
// does not wait for whoever reads it.
type journal struct {
	*lines.Writer
	messages chan string
	dropped  int // because there were too many
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

// say says something.
func (s *supervisor) say(format string, args ...any) {
	prefix := s.stamp() + "supervisor: "
	if n := s.journal.dropped; n > 0 && len(s.journal.messages) < maxMessages/2 {
		s.journal.dropped = 0
		s.journal.add(fmt.Sprintf("%s%d messages are missing here", prefix, n))
	}
	s.journal.add(prefix + printable(fmt.Sprintf(format, args...)))
}

// sayOf says something of a service.
func (s *supervisor) sayOf(v *service, format string, args ...any) {
	s.say("%s: %s", v.name, fmt.Sprintf(format, args...))
}

// stamp returns what begins a line: the time, if that is wanted.
func (s *supervisor) stamp() string {
	if !s.timestamps {
		return ""
	}
	return time.Now().Format("2006-01-02T15:04:05.000Z07:00 ")
}

// printable returns s on one line, and without what a terminal might obey.
func printable(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		s = strconv.Quote(s)
		s = s[1 : len(s)-1]
	}
	return s
}

// flushTime is how long supervisor waits at its end for output that is still to be written.
var flushTime = time.Second // changed by tests

// flush writes what is left to be written, but not for ever: processes that have left their group
// may still have a pipe open, and perhaps nobody reads what we write.
func (s *supervisor) flush() {
	select {
	case <-done(s.output.copying.Wait):
	case <-time.After(flushTime):
		s.say("left the output of %d processes unread, or unwritten", s.output.open.Load())
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
