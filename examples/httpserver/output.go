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

// An output is a Writer that sends what is written to the client, immediately and within limits.
type output struct {
	ctx     context.Context         // of the tool; nothing is sent once it is done
	end     context.CancelCauseFunc // cancels ctx if sending fails
	w       http.ResponseWriter
	control *http.ResponseController
	left    int64         // bytes that may still be sent
	timeout time.Duration // of a single write
	begun   bool          // the header was sent
	err     error         // of a failed write
}

// Write never fails. It discards what the tool writes while it is being ended: after a failed
// Write, SIGPIPE would kill the tool.
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

// A beginning keeps the first bytes written to it, up to limit.
type beginning struct {
	bytes.Buffer
	limit int
}

func (b *beginning) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), b.limit-b.Len())])
	return len(p), nil
}
