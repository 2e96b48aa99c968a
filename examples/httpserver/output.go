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
	ctx     context.Context         // of the tool: nothing is sent after its end
	end     context.CancelCauseFunc // of ctx, for a reason that is found here
	w       http.ResponseWriter
	control *http.ResponseController
	left    int64         // how much may still be sent
	timeout time.Duration // how long it may take to send what is written at once
	begun   bool          // the header is sent
	err     error         // of the write that failed
}

// Write never fails: what the tool writes as it ends is dropped, or it would be ended by SIGPIPE.
func (o *output) Write(p []byte) (int, error) {
	if o.ctx.Err() == nil {
		if err := o.send(p); err != nil {
			o.end(err)
		}
	}
	return len(p), nil
}

func (o *output) send(p []byte) (err error) {
	if int64(len(p)) > o.left {
		p, err = p[:o.left], errOutputTooLarge
	}
	if !o.begun {
		o.begun = true
		begin(o.w)
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
	return cmp.Or(o.err, err)
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
