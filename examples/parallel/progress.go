package main

import (
	"fmt"
	"io"
	"strings"
)

// status is how much is done.
type status struct {
	lines   int  // of the input, so far
	total   bool // there are no more of them
	done    int  // jobs that have ended
	failed  int  // those of them that were no success
	running int
}

// String returns the status in less than a line of a terminal.
func (s status) String() string {
	if !s.total || s.lines == 0 {
		return fmt.Sprintf("%d done, %d failed, %d running", s.done, s.failed, s.running)
	}
	const width = 10
	filled := width * s.done / s.lines
	return fmt.Sprintf("[%s%s] %d/%d done, %d failed, %d running",
		strings.Repeat("#", filled), strings.Repeat(".", width-filled),
		s.done, s.lines, s.failed, s.running)
}

// A bar is the status, as the last line on a terminal. No control characters but
// the carriage return are used, for any terminal knows that one.
type bar struct {
	w      io.Writer
	shown  string // what is there now
	hidden bool   // the cursor is not at the beginning of a line: leave it alone
}

func (b *bar) draw(s status) {
	text := s.String()
	if b.hidden || text == b.shown {
		return
	}
	pad := max(0, len(b.shown)-len(text))
	fmt.Fprintf(b.w, "\r%s%*s", text, pad, "")
	b.shown = text + strings.Repeat(" ", pad)
}

func (b *bar) clear() {
	if b.shown == "" {
		return
	}
	const echo = len("^C") // which the terminal may have added
	fmt.Fprintf(b.w, "\r%*s\r", len(b.shown)+echo, "")
	b.shown = ""
}
