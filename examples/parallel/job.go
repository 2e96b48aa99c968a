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

// A job is one command, from its line of the input to its printed output.
type job struct {
	seq            int // of the line, from 1
	args           []string
	cmd            *execx.Cmd
	stdout, stderr *bytes.Buffer
	beside         int // how many others ran when it was to be started

	refusal error // why that was not possible

	failed bool
	code   int // the exit status, as a shell has it
	logErr error
	ended  bool // as far as the scheduler knows
}

func newJob(seq int, args []string) *job {
	return &job{seq: seq, args: args, stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}
}

// lastWords is how long a command has between SIGTERM and SIGKILL.
const lastWords = time.Second

var errHeld = errors.New("what it has left behind still has its output open")

// start starts the command. It is ended when ctx is done, and the timeout, if there is one, is
// over. Once it has ended, done is called, by another goroutine, with what [job.report] takes.
func (j *job) start(ctx context.Context, timeout time.Duration, done func(started time.Time, err error)) error {
	cancel := func() {}
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	c := execx.CommandContext(ctx, j.args[0], j.args[1:]...)
	c.Stdout, c.Stderr = j.stdout, j.stderr
	c.ProcessGroup = true // which Ctrl-C does not reach, and which is ended as a whole
	c.GracePeriod = lastWords
	started := time.Now()
	if err := c.Start(); err != nil {
		cancel()
		return err
	}
	j.cmd = c
	c.AfterWait(func(err error) {
		defer cancel()
		if errors.Is(err, execx.ErrClosed) {
			return // abandoned: the buffers are still written to
		}
		c.Close()
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = &timeoutError{timeout, err}
		}
		done(started, err)
	})
	return nil
}

// A timeoutError says that a command was ended because its time was over.
type timeoutError struct {
	after time.Duration
	err   error // how it has ended
}

func (e *timeoutError) Error() string {
	if errors.Is(e.err, context.DeadlineExceeded) { // it took no notice of SIGTERM but to exit
		return fmt.Sprintf("timed out after %v", e.after)
	}
	return fmt.Sprintf("timed out after %v: %v", e.after, e.err)
}

func (e *timeoutError) Unwrap() error { return e.err }

// exhausted reports whether a command could not be started because there are too many descriptors
// or processes, or too little memory, at the moment.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// report adds to the standard error of the command what has become of it.
func (j *job) report(err error) {
	if err == nil {
		return
	}
	if errors.Is(err, execx.ErrWaitDelay) {
		err = errHeld
	}
	if errors.Is(err, exec.ErrNotFound) && strings.Contains(j.args[0], " ") {
		err = fmt.Errorf("%w (no shell is involved; for one: sh -c '...' sh {})", err)
	}
	j.failed = true
	j.code = cmp.Or(j.exitStatus(err), 1)
	j.say(fmt.Sprintf("%s: %v", abridged(quoted(j.args)), err))
}

// exitStatus returns what a shell would say the exit status is.
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

// signal returns the number of the signal that has ended the command, or zero.
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

// abridged returns s without its middle if it is long.
func abridged(s string) string {
	const edge = 250
	if len(s) > 2*edge {
		return s[:edge] + "..." + s[len(s)-edge:]
	}
	return s
}

// size is about how much memory an ended job takes.
func (j *job) size() int {
	const self = 256
	return self + j.stdout.Cap() + j.stderr.Cap()
}
