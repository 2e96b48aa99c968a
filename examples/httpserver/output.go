package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// An output sends to the client what is written to it, at once and within limits.
type output struct {
	ctx     context.Context // of the tool: nothing is sent after its end
	w       http.ResponseWriter
	control *http.ResponseController
	left    int64         // how much may still be written
	timeout time.Duration // how long a write may take
	begin   func()        // sets the header; nil once it is sent
	err     error         // of the write that failed
}

func (o *output) Write(p []byte) (n int, err error) {
	if o.ctx.Err() != nil {
		return 0, context.Cause(o.ctx)
	}
	if int64(len(p)) > o.left {
		p, err = p[:o.left], errOutputTooLarge
	}
	if o.begin != nil {
		o.begin()
		o.begin = nil
	}
	o.control.SetWriteDeadline(time.Now().Add(o.timeout))
	n, writeErr := o.w.Write(p)
	if writeErr == nil {
		writeErr = o.control.Flush()
	}
	o.left -= int64(n)
	switch {
	case errors.Is(writeErr, os.ErrDeadlineExceeded):
		o.err = errStalled
	case writeErr != nil:
		o.err = fmt.Errorf("%w: %w", errGone, writeErr)
	}
	return n, cmp.Or(o.err, err)
}

// A beginning keeps the first bytes that are written to it.
type beginning struct {
	bytes.Buffer
	limit int
}

func (b *beginning) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), b.limit-b.Len())])
	return len(p), nil
}
