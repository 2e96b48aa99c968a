// Package lines merges lines from several sources into one writer, each with a prefix that names
// its source, and counts the lines that are lost.
package lines

import (
	"bufio"
	"bytes"
	"io"
	"sync"
)

// MaxLength is the maximum length of a line. Longer lines are split.
const MaxLength = 4096

// A Writer writes lines, each in one piece. It is safe for concurrent use. If a line cannot be
// written, it is lost, and the Writer tries again with the next line.
type Writer struct {
	changed chan struct{}

	mu   sync.Mutex // held while writing; guards w and torn
	w    io.Writer
	torn bool // only a part of the last line was written

	lostMu sync.Mutex // guards lost; lock mu before lostMu
	lost   Loss
}

// A Loss describes what a Writer could not write.
type Loss struct {
	Lines, Bytes int64
	Err          error // the last write error; nil if the last write succeeded
}

// NewWriter returns a Writer of lines to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, changed: make(chan struct{}, 1)}
}

// Copy copies the lines of r to w until EOF or an error, and prefixes each line with the result of
// prefix. Text after the last newline counts as a line.
func (w *Writer) Copy(prefix func() string, r io.Reader) {
	buf := bufio.NewReaderSize(r, MaxLength)
	var whole []byte
	for {
		line, _, err := buf.ReadLine()
		if err != nil {
			return
		}
		whole = append(append(append(whole, prefix()...), line...), '\n')
		if rest, _ := buf.Peek(buf.Buffered()); !bytes.Contains(rest, []byte("\n")) { // the next line may take long to arrive
			w.write(whole)
			whole = nil // do not keep the buffer until then
		}
	}
}

// WriteLine writes line, which must not contain a newline, and a newline.
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

// record records the result of a write: rest was lost if err is not nil.
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

// Swap makes w write to the given writer, and returns the previous one.
func (w *Writer) Swap(to io.Writer) (from io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, w.w, w.torn = w.w, to, false
	return from
}

// Lost returns what was lost so far. It does not block on a write in progress.
func (w *Writer) Lost() Loss {
	w.lostMu.Lock()
	defer w.lostMu.Unlock()
	return w.lost
}

// Changed returns a channel on which w sends when writing begins to fail and when it succeeds
// again.
func (w *Writer) Changed() <-chan struct{} { return w.changed }
