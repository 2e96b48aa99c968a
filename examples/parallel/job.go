package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"go.execx.dev/execx"
)

// A job is a command for a line of the input, together with its output and result.
type job struct {
	seq            int // the number of the line, from 1
	args           []string
	cmd            *execx.Cmd
	stdout, stderr *bytes.Buffer
	others         int // how many other jobs ran when this one was about to start

	refusal error // why it could not be started

	failed bool
	code   int // the exit status that a shell would report
	logErr error
	ended  bool // set by the scheduler
}

func newJob(seq int, args []string) *job {
	return &job{seq: seq, args: args, stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
}

// killDelay is the time between SIGTERM and SIGKILL.
const killDelay = time.Second

var errOutputOpen = errors.New("a process that it left behind still has its output open")

// start starts the command. When ctx is done, or after the timeout if it is not zero, the command
// is ended. If start returns nil, done is called from another goroutine after the command has
// ended, with its result, for [job.report].
func (j *job) start(ctx context.Context, timeout time.Duration, done func(started time.Time, err error)) error {
	cancel := func() {}
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	c := execx.CommandContext(ctx, j.args[0], j.args[1:]...)
	c.Stdout, c.Stderr = j.stdout, j.stderr
	c.ProcessGroup = true // Ctrl-C does not reach the group, and all of it is ended
	c.GracePeriod = killDelay
	started := time.Now()
	if err := c.Start(); err != nil {
		cancel()
		return err
	}
	j.cmd = c
	c.AfterWait(func(err error) {
		defer cancel()
		if errors.Is(err, execx.ErrClosed) {
			return // abandoned: the buffers may still be written to
		}
		c.Close()
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = &timeoutError{timeout, err}
		}
		done(started, err)
	})
	return nil
}

// A timeoutError reports that a command was ended because it timed out.
type timeoutError struct {
	after time.Duration
	err   error // the result of the command
}

func (e *timeoutError) Error() string {
	if errors.Is(e.err, context.DeadlineExceeded) { // it exited with status 0 after SIGTERM
		return fmt.Sprintf("timed out after %v", e.after)
	}
	return fmt.Sprintf("timed out after %v: %v", e.after, e.err)
}

func (e *timeoutError) Unwrap() error { return e.err }

// exhausted reports whether a command could not be started because file descriptors, processes or
// memory have run out for the moment.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// report records the result of the command. If it failed, report adds a message to its standard
// error.
func (j *job) report(err error) {
	if err == nil {
		return
	}
	if errors.Is(err, execx.ErrWaitDelay) {
		err = errOutputOpen
	}
	if errors.Is(err, exec.ErrNotFound) && strings.Contains(j.args[0], " ") {
		err = fmt.Errorf("%w (no shell is involved; for one: sh -c '...' sh {})", err)
	}
	j.failed = true
	j.code = cmp.Or(j.exitStatus(err), 1)
	j.say(fmt.Sprintf("%s: %v", shorten(quoted(j.args)), err))
}

// exitStatus returns the exit status that a shell would report.
func (j *job) exitStatus(err error) int {
	if j.cmd == nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, syscall.ENOENT) {
			return 127
		}
		return 126
	}
	if sig := j.signal(); sig > 0 {
		return 128 + sig
	}
	return j.cmd.ProcessState.ExitCode()
}

// signal returns the number of the signal that terminated the command, or 0.
func (j *job) signal() int {
	if j.cmd == nil || j.cmd.ProcessState == nil {
		return 0
	}
	status, ok := j.cmd.ProcessState.Sys().(interface {
		Signaled() bool
		Signal() syscall.Signal
	})
	if !ok || !status.Signaled() {
		return 0
	}
	return int(status.Signal())
}

// say adds a message of this program to the standard error of the command.
func (j *job) say(message string) {
	if b := j.stderr.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		j.stderr.WriteByte('\n')
	}
	fmt.Fprintf(j.stderr, "parallel: %s\n", escape(message))
}

// shorten returns s, without its middle if it is long.
func shorten(s string) string {
	const edge = 250
	if len(s) > 2*edge {
		return s[:edge] + "..." + s[len(s)-edge:]
	}
	return s
}

// size returns the approximate memory use of a job that has ended.
func (j *job) size() int {
	const self = 256
	return self + j.stdout.Cap() + j.stderr.Cap()
}
