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

// hasKillOnExit reports whether the system can kill the commands when the worker dies.
const hasKillOnExit = runtime.GOOS == "linux" || runtime.GOOS == "freebsd" || runtime.GOOS == "windows"

// maxPiece is the approximate maximum size of the output in one message.
const maxPiece = 64 << 10

// execute runs the command of a job, and ends it when ctx is done. It returns the reason if the
// command fails.
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
		c.Close() // kills the processes that remain in its group
	}
	if err != nil && context.Cause(ctx) == timeout {
		return timeout
	}
	return err
}

// start starts the command of a job. If there are not enough descriptors or processes, it retries
// until ctx is done.
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

// isScarcity reports whether err is due to a temporary lack of resources. Duplicating a descriptor
// fails with EBADF if the new one would exceed the limit.
func isScarcity(err error) bool {
	for _, scarce := range []error{syscall.EAGAIN, syscall.EBADF, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, scarce) {
			return true
		}
	}
	return false
}

// An output collects what a command writes. Output that does not fit into one message is stored in
// chunks while the command runs; the command blocks until a chunk is stored.
type output struct {
	put func(n int, pieces []piece) error // stores the n-th chunk

	mu     sync.Mutex
	chunks int // number of chunks stored
	pieces []piece
	size   int // approximate size of pieces
}

// stream returns the Writer for the standard output or standard error.
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

// rest returns the number of stored chunks, and the output since the last one.
func (o *output) rest() (chunks int, pieces []piece) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.chunks, o.pieces
}
