package execx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(proctest.Checked(m)) }

// runner holds the methods that both Cmd types have.
type runner interface {
	Start() error
	Wait() error
	Run() error
	Output() ([]byte, error)
	CombinedOutput() ([]byte, error)
	StdinPipe() (io.WriteCloser, error)
	StdoutPipe() (io.ReadCloser, error)
	StderrPipe() (io.ReadCloser, error)
}

var (
	_ runner = (*exec.Cmd)(nil)
	_ runner = (*execx.Cmd)(nil)
)

// commander makes a command of one of the two packages. It returns the command twice: for its
// fields and for its methods.
type commander func(ctx context.Context, name string, arg ...string) (*exec.Cmd, runner)

func std(ctx context.Context, name string, arg ...string) (*exec.Cmd, runner) {
	c := exec.Command(name, arg...)
	if ctx != nil {
		c = exec.CommandContext(ctx, name, arg...)
	}
	return c, c
}

func ours(ctx context.Context, name string, arg ...string) (*exec.Cmd, runner) {
	c := execx.Command(name, arg...)
	if ctx != nil {
		c = execx.CommandContext(ctx, name, arg...)
	}
	return &c.Cmd, c
}

// compare runs f with os/exec and with execx. It asserts that both return the same error and leave
// nothing behind.
func compare(t *testing.T, f func(t *testing.T, command commander) error) {
	t.Helper()
	var want, got error
	t.Run("exec", func(t *testing.T) { want = f(t, std) })
	t.Run("execx", func(t *testing.T) {
		proctest.NoLeaks(t)
		got = f(t, ours)
	})
	assert.Equal(t, describe(want), describe(got))
}

// describe returns everything that a caller can learn from err.
func describe(err error) string {
	if err == nil {
		return "nil"
	}
	s := fmt.Sprintf("%T %v", err, err)
	if _, ok := err.(interface{ Unwrap() error }); ok {
		s = fmt.Sprintf("wraps %T %v", errors.Unwrap(err), err)
	}
	for _, target := range []error{
		exec.ErrNotFound, exec.ErrDot, exec.ErrWaitDelay, context.Canceled, context.DeadlineExceeded,
		fs.ErrNotExist, fs.ErrPermission, os.ErrProcessDone, os.ErrClosed,
	} {
		if errors.Is(err, target) {
			s += " is " + target.Error()
		}
	}
	var exitErr *exec.ExitError
	if errors.As(err, &exitErr) {
		s += fmt.Sprintf(" stderr %d: %.100q", len(exitErr.Stderr), exitErr.Stderr)
	}
	return s
}
