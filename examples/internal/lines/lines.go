// Package lines writes the lines of several sources to one place, each after the name of its
// source, and counts those that are lost.
package lines

import (
	"bufio"
	"bytes"
	"io"
	"sync"
)

// MaxLength is the length of a line, beyond which it becomes several.
const MaxLength = 4096

// A Writer writes lines, each in one piece. It may be used by several goroutines. What can't be
// written is lost, and the next line is tried again.
type Writer struct {
	changed chan struct{}

	mu   sync.Mutex // held while writing; guards w and torn
	w    io.Writer
	torn bool // the end of a line is lost, but not its beginning

	lostMu sync.Mutex // guards lost; lock mu before lostMu
	lost   Loss
}

// A Loss is what a Writer could not write.
type Loss struct {
	Lines, Bytes int64
	Err          error // of writing; nil once it is possible again
}

// NewWriter returns a Writer of lines to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, changed: make(chan struct{}, 1)}
}

// Copy writes the lines of r, each after what prefix returns, until r has ended. What follows the
// last newline is a line, too.
func (w *Writer) Copy(prefix func() string, r io.Reader) {
	buf := bufio.NewReaderSize(r, MaxLength)
	var whole []byte
	for {
		line, _, err := buf.ReadLine()
		if err != nil {
			return
		}
		whole = append(append(append(whole, prefix()...), line...), '\n')
		if rest, _ := buf.Peek(buf.Buffered()); !bytes.Contains(rest, []byte("\n")) { // the next may take its time
			w.write(whole)
			whole = nil // it may take its time, too
		}
	}
}

// WriteLine writes a line, which has no newline.
func (w *Writer) WriteLine(line string) { w.write(append([]byte(line), '\n')) }

func (w *Writer) write(whole []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	var err error
	if w.torn {
		_, err = w.w.Write([]byte("\n"))
		w.torn = err != nil
	}
	if err == nil {
		n, err = w.w.Write(whole)
		w.torn = 0 < n && n < len(whole) && whole[n-1] != '\n'
	}
	w.record(whole[n:], err)
}

// record counts what is lost, which is nothing if err is nil.
func (w *Writer) record(rest []byte, err error) {
	w.lostMu.Lock()
	defer w.lostMu.Unlock()
	w.lost.Lines += int64(bytes.Count(rest, []byte("\n")))
	w.lost.Bytes += int64(len(rest))
	changed := (err == nil) != (w.lost.Err == nil)
	w.lost.Err = err
	if changed {
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

// Swap replaces what w writes to, and returns what it was.
func (w *Writer) Swap(to io.Writer) (from io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, w.w, w.torn = w.w, to, false
	return from
}

// Lost returns what was lost up to now. It does not wait for a write that takes its time.
func (w *Writer) Lost() Loss {
	w.lostMu.Lock()
	defer w.lostMu.Unlock()
	return w.lost
}

// Changed returns a channel that receives when lines begin to be lost, and when they no longer are.
func (w *Writer) Changed() <-chan struct{} { return w.changed }
