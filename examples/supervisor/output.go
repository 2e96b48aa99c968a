package main

import (
	"bufio"
	"io"
	"os"
	"sync"
	"time"
)

// An output is where the lines of commands go, each in one piece.
type output struct {
	copying sync.WaitGroup

	mu sync.Mutex // guards everything below
	w  io.Writer
}

// pipe returns a file whose lines are written to the output, after the prefix, until
// nobody has it open for writing any more. The caller closes it.
func (o *output) pipe(prefix string) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.copying.Go(func() {
		defer r.Close()
		if o.copy(prefix, r) != nil {
			io.Copy(io.Discard, r) // the command is not to suffer from our reader's absence
		}
	})
	return w, nil
}

// copy returns nil at the end of r.
func (o *output) copy(prefix string, r io.Reader) error {
	buf := bufio.NewReader(r)
	for {
		line, _, err := buf.ReadLine()
		if err != nil {
			return nil
		}
		if err := o.write(prefix, line); err != nil {
			return err
		}
	}
}

func (o *output) write(prefix string, line []byte) error {
	whole := make([]byte, 0, len(prefix)+len(line)+1)
	whole = append(append(append(whole, prefix...), line...), '\n')
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.w.Write(whole)
	return err
}

// flushTime is how long flush waits.
var flushTime = time.Second // changed by tests

// flush waits until all is written, but not for ever: processes that have
// left their group may still have a pipe open, and perhaps nobody reads what we
// write.
func (o *output) flush() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.copying.Wait()
	}()
	select {
	case <-done:
	case <-time.After(flushTime):
	}
}
