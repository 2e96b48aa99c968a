package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"syscall"
	"time"

	"go.execx.dev/execx"
)

// hasKillOnExit is whether commands can be made to die with the worker.
const hasKillOnExit = runtime.GOOS == "linux" || runtime.GOOS == "freebsd" || runtime.GOOS == "windows"

// maxPiece is how much output goes into one message, about.
const maxPiece = 64 << 10

// execute runs the command of a job, until ctx is done, and returns why it has failed.
func execute(ctx context.Context, j *job, out *output) error {
	timeout := fmt.Errorf("timed out after %v", j.Timeout)
	if j.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, j.Timeout, timeout)
		defer cancel()
	}
	c, err := start(ctx, j, out)
	if err == nil {
		err = c.Wait()
		c.Close() // kills what the command has left behind
	}
	if err != nil && context.Cause(ctx) == timeout {
		return timeout
	}
	return err
}

// start starts the command of a job. While there are not enough descriptors or processes for that,
// it tries again, until ctx is done.
func start(ctx context.Context, j *job, out *output) (*execx.Cmd, error) {
	for {
		c := execx.CommandContext(ctx, j.Args[0], j.Args[1:]...)
		c.Dir = string(j.Dir)
		c.Stdout, c.Stderr = out.stream(false), out.stream(true)
		c.ProcessGroup = true
		c.GracePeriod = max(j.Grace, time.Millisecond)
		c.KillOnExit = hasKillOnExit
		c.KillOnClose = true
		err := c.Start()
		if err == nil || !isScarcity(err) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

// isScarcity reports whether a command can't be started for now. EBADF is what duplicating a
// descriptor fails with when the new one would be beyond the limit.
func isScarcity(err error) bool {
	for _, scarce := range []error{syscall.EAGAIN, syscall.EBADF, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, scarce) {
			return true
		}
	}
	return false
}

// An output is what a command writes. What is more than fits into a message is stored while the
// command runs, which waits for that.
type output struct {
	put func(n int, pieces []piece) error // stores the n-th chunk

	mu     sync.Mutex
	chunks int // stored
	pieces []piece
	size   int // about that of pieces
}

// stream returns the standard output or error.
func (o *output) stream(stderr bool) io.Writer { return stream{o, stderr} }

type stream struct {
	*output
	stderr bool
}

func (s stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := b; len(rest) > 0; {
		if s.size >= maxPiece {
			if err := s.put(s.chunks, s.pieces); err != nil {
				return 0, err
			}
			s.chunks++
			s.pieces, s.size = nil, 0
		}
		n := min(len(rest), maxPiece-s.size)
		s.add(rest[:n])
		rest = rest[n:]
	}
	return len(b), nil
}

func (s stream) add(b []byte) {
	const self = 32
	last := len(s.pieces) - 1
	if last < 0 || s.pieces[last].Stderr != s.stderr {
		s.pieces = append(s.pieces, piece{Stderr: s.stderr})
		s.size += self
		last++
	}
	s.pieces[last].Data = append(s.pieces[last].Data, b...)
	s.size += len(b)
}

// rest returns how many chunks were stored, and what has come since.
func (o *output) rest() (chunks int, pieces []piece) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.chunks, o.pieces
}
