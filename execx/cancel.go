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

// cancelByDefault does what Cancel does by default, with the GracePeriod.
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
		return unended, err
	}
	return canceled, err
}

// callCancel calls c.Cancel. If it is the default one of another Cmd, of which c has been
// made, that was not started, and c is what it has to kill.
func callCancel(c *Cmd) error {
	err := c.Cancel()
	if err == errNotStarted {
		err = c.startedChild().kill()
	}
	return err
}

// cancelError returns what the end of ctx makes of the result, given what Cancel
// returned.
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

// calledByCancelLocked reports whether the caller is called by Cancel.
func (p *child) calledByCancelLocked(c *Cmd) bool {
	if p.execWait != nil {
		return canceledByExec(c)
	}
	return p.cancel == canceling && p.canceler == goroutine()
}

// goroutine returns what tells the calling goroutine from all others.
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

// canceledByExec reports whether it was Cancel that has called the caller, if c was started by
// os/exec. Then the goroutine is not known, and it may be the Cancel of another command whose context
// is done.
func canceledByExec(c *Cmd) bool {
	if !hasEnded(embeddedContext(&c.Cmd)) {
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
