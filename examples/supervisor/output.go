package main

import (
	"io"
	"os"
	"sync"
	"time"

	"go.execx.dev/examples/internal/lines"
)

// An output is where the lines of commands go, each in one piece.
type output struct {
	*lines.Writer
	copying sync.WaitGroup
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
		if o.Copy(prefix, r) != nil {
			io.Copy(io.Discard, r) // the command is not to suffer from our reader's absence
		}
	})
	return w, nil
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
