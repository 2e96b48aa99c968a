// Package lines writes the lines of several sources to one place, each after the name of
// its source.
package lines

import (
	"bufio"
	"io"
	"sync"
)

// MaxLength is the length of a line, beyond which it becomes several.
const MaxLength = 4096

// A Writer writes lines, each in one piece. It may be used by several goroutines.
type Writer struct {
	mu sync.Mutex // guards everything below
	w  io.Writer
}

// NewWriter returns a Writer of lines to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Copy writes the lines of r after the prefix until r has ended, or until writing fails. It
// returns the error of writing. What follows the last newline is a line, too.
func (w *Writer) Copy(prefix string, r io.Reader) error {
	buf := bufio.NewReaderSize(r, MaxLength)
	for {
		line, _, err := buf.ReadLine()
		if err != nil {
			return nil
		}
		if err := w.WriteLine(prefix, line); err != nil {
			return err
		}
	}
}

// WriteLine writes a line, which has no newline, after the prefix.
func (w *Writer) WriteLine(prefix string, line []byte) error {
	whole := make([]byte, 0, len(prefix)+len(line)+1)
	whole = append(append(append(whole, prefix...), line...), '\n')
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.w.Write(whole)
	return err
}
