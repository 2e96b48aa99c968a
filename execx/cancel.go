package execx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// cancelByDefault implements the default Cancel, with the GracePeriod.
func (p *child) cancelByDefault(grace time.Duration) (cancel, error) {
	if grace <= 0 {
		return killed, p.kill()
	}
	p.beginEnding()
	defer p.finishEnding()
	ctx, stop := context.WithTimeout(context.Background(), grace)
	defer stop()
	err := p.shutDown(ctx)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return leftAlive, err
	}
	return canceled, err
}

// callCancel calls c.Cancel. If that is the default Cancel of another Cmd, which c is a copy of and
// which was not started, callCancel kills the process of c.
func callCancel(c *Cmd) error {
	err := c.Cancel()
	if err == errNotStarted {
		err = c.startedChild().kill()
	}
	return err
}

// cancelError returns the effect of the end of ctx on the result, given the error of Cancel.
func cancelError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctx.Err()
	case errors.Is(err, os.ErrProcessDone):
		return nil
	default:
		return fmt.Errorf("exec: canceling Cmd: %w", err)
	}
}

// calledByCancelLocked reports whether the caller was called by Cancel.
func (p *child) calledByCancelLocked(c *Cmd) bool {
	if p.execWait != nil {
		return canceledByExec(c)
	}
	return p.cancel == canceling && p.canceler == goroutine()
}

// goroutine returns the ID of the calling goroutine.
func goroutine() (id uint64) {
	var b [64]byte
	text := b[:runtime.Stack(b[:], false)] // goroutine 18 [running]:
	for _, digit := range bytes.TrimPrefix(text, []byte("goroutine ")) {
		if digit == ' ' {
			break
		}
		id = 10*id + uint64(digit-'0')
	}
	return id
}

// canceledByExec reports whether the caller was called by Cancel, for a command that os/exec has
// started. The goroutine is not known then, and may be running the Cancel of another command whose
// context is done as well.
func canceledByExec(c *Cmd) bool {
	if !isDone(embeddedContext(&c.Cmd)) {
		return false
	}
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Function == "os/exec.(*Cmd).watchCtx" {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
