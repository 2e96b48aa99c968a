package execx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/proctest"
)

// A soaked is a command to which anything may happen.
type soaked struct {
	t       *testing.T
	r       *rand.Rand // used by the goroutine that calls run
	c       *execx.Cmd
	stdin   io.Closer
	stdout  io.ReadCloser
	cancel  context.CancelFunc // cancels the context of the command
	ends    bool               // exits by itself, or when its pipes are closed
	foreign bool               // other code may reap it
	waits   bool               // its Cancel waits

	mu      sync.Mutex
	results []error
}

func newSoaked(t *testing.T, r *rand.Rand) *soaked {
	s := &soaked{t: t, r: r, cancel: func() {}}
	chance := func(n int) bool { return r.IntN(n) == 0 }
	commands := []struct {
		line string
		ends bool
	}{
		{"exit 0", true},
		{"exit 3", true},
		{"kill -9 $$", true},
		{"echo out; echo err >&2; exit 1", true},
		{"exec sleep 0.01", true},
		{"cat & wait; exit 4", true},
		{"exec cat", false},
		{"exec sleep 1000", false},
		{"trap '' TERM; sleep 1000 & wait; wait", false},
		{"exec sh -c 'exec sleep 0.02'", true},
		{"sleep 0.05 & exit 5", true},
		{"exec head -c 100000 /dev/zero", false},
	}
	command := commands[r.IntN(len(commands))]
	s.ends = command.ends
	ctx := context.Background()
	if chance(2) {
		// The context of a command is never cancelled before it has expired, so this always ends a
		// wait.
		ctx, s.cancel = context.WithTimeout(ctx, time.Duration(r.IntN(30_000))*time.Microsecond)
		s.ends = s.ends || !strings.Contains(command.line, "TERM")
		s.c = execx.CommandContext(ctx, "sh", "-c", command.line)
	} else {
		s.c = execx.Command("sh", "-c", command.line)
	}
	// Every process that holds the output open must be in the group; otherwise, the copying would
	// not end.
	s.c.ProcessGroup = strings.Contains(command.line, "&") || chance(4)
	s.c.KillOnClose = s.c.ProcessGroup || chance(4)
	s.ends = s.ends || s.c.KillOnClose
	if chance(2) {
		s.c.WaitDelay = time.Duration(1+r.IntN(20)) * time.Millisecond
	}
	if chance(3) {
		s.c.GracePeriod = time.Duration(r.IntN(20)) * time.Millisecond
	}
	if chance(8) && s.c.Cancel != nil {
		c := s.c
		s.waits = true
		c.Cancel = func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			return c.Shutdown(ctx)
		}
	}
	switch r.IntN(3) {
	case 0:
		s.c.Stdin = strings.NewReader(strings.Repeat("x", r.IntN(100_000)))
	case 1:
		s.stdin, _ = s.c.StdinPipe()
	}
	switch r.IntN(4) {
	case 0:
		s.c.Stdout = new(bytes.Buffer)
	case 1:
		s.stdout, _ = s.c.StdoutPipe()
	case 2:
		s.c.Stdout = io.Discard
		s.c.Stderr = io.Discard
	}
	s.foreign = chance(8)
	return s
}

func (s *soaked) run() {
	defer s.cancel()
	if err := s.c.Start(); err != nil {
		assert.ErrorIs(s.t, err, context.DeadlineExceeded)
		return
	}
	if s.r.IntN(8) == 0 && s.ends && !s.waits && s.stdin == nil && !s.c.KillOnClose {
		s.hold()
		return
	}
	var users sync.WaitGroup
	for range 1 + s.r.IntN(5) {
		r := rand.New(rand.NewPCG(s.r.Uint64(), 0))
		users.Go(func() {
			for range 1 + r.IntN(5) {
				s.use(r)
			}
		})
	}
	if s.foreign {
		s.steal()
	}
	if s.r.IntN(4) == 0 && s.ends && !s.foreign {
		users.Wait()
		if s.stdin != nil {
			s.stdin.Close()
		}
		return // dropped
	}
	users.Wait()
	s.finish()
}

// hold drops the command before anything waits for it, and waits for its process.
func (s *soaked) hold() {
	p := s.c.Process
	if s.stdout != nil {
		s.stdout.Close()
	}
	s.c = nil
	for range s.r.IntN(3) {
		runtime.GC()
	}
	_, err := p.Wait()
	assert.NoError(s.t, err)
}

// finish ends the command, whatever has happened to it, and compares the results.
func (s *soaked) finish() {
	if s.stdout != nil {
		s.stdout.Close()
	}
	s.c.Signal(syscall.SIGCONT)
	s.c.Kill()
	if s.stdin != nil {
		s.stdin.Close()
	}
	result := s.await(s.c.WaitChan(context.Background()))
	for _, got := range s.results {
		if got != result {
			assert.Fail(s.t, "results differ", "%v: %v and %v", s.c.Args, got, result)
		}
	}
	done, err := s.c.TryWait()
	assert.True(s.t, done)
	assert.True(s.t, err == result, "%v is not %v", err, result)
	switch exitErr, exited := errors.AsType[*execx.ExitError](result); {
	case errors.Is(result, execx.ErrClosed):
	case s.foreign && (s.c.ProcessState == nil):
	case exited:
		assert.Same(s.t, s.c.ProcessState, exitErr.ProcessState)
	default:
		assert.NotNil(s.t, s.c.ProcessState, "%v: %v", s.c.Args, result)
		ok := result == nil || errors.Is(result, context.DeadlineExceeded) || errors.Is(result, execx.ErrWaitDelay)
		assert.True(s.t, ok, "%v: %v", s.c.Args, result)
	}
	s.c.Close() // kills the rest of the group
}

// use calls a random method of the command.
func (s *soaked) use(r *rand.Rand) {
	c := s.c
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wait := time.Duration(r.IntN(5000)) * time.Microsecond
	switch r.IntN(16) {
	case 0:
		if s.ends && !s.c.KillOnClose && s.stdin == nil && s.stdout == nil && c.Stdout == nil {
			s.note(c.Wait()) // the process exits by itself, unless it was stopped
		}
	case 1:
		defer time.AfterFunc(wait, cancel).Stop()
		s.note(c.WaitContext(ctx))
	case 2:
		defer time.AfterFunc(wait, cancel).Stop()
		s.note(s.await(c.WaitChan(ctx)))
	case 3:
		c.WaitChan(ctx) // drops the channel
	case 4:
		if done, err := c.TryWait(); done {
			s.note(err)
		}
	case 5:
		c.Signal(syscall.SIGTERM)
	case 6:
		// Without pidfds, the rest of a stopped group can't be signalled after its leader is
		// reaped.
		if !c.ProcessGroup || pidfd.Supported() {
			c.Signal(syscall.SIGSTOP)
			c.Signal(syscall.SIGCONT)
		}
	case 7:
		c.Kill()
	case 8:
		defer time.AfterFunc(wait, cancel).Stop()
		s.note(c.Shutdown(ctx))
	case 9:
		if r.IntN(3) == 0 {
			assert.NoError(s.t, c.Close())
		}
	case 10:
		if r.IntN(10) == 0 {
			runtime.GC()
		}
	case 11:
		execx.Live()
		execx.ReadStats()
		execx.Orphans()
	case 12:
		if s.stdout != nil {
			go io.Copy(io.Discard, s.stdout)
		}
	case 13:
		if s.stdin != nil {
			s.stdin.Close()
		}
	case 14:
		runtime.Gosched()
	case 15:
		execx.AwaitExit(cancelled, c.Process)
	}
}

var cancelled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// await receives a result, and checks that there is no second one.
func (s *soaked) await(ch <-chan error) error {
	err, ok := proctest.Receive(s.t, ch)
	assert.True(s.t, ok, "no result")
	_, ok = proctest.Receive(s.t, ch)
	assert.False(s.t, ok, "two results")
	return err
}

// note records a result, if err is one.
func (s *soaked) note(err error) {
	if err == context.Canceled {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, err)
}

// steal tries to reap the process without the knowledge of the command.
func (s *soaked) steal() {
	switch s.r.IntN(3) {
	case 0:
		s.c.Kill()
		s.c.Process.Wait()
	case 1:
		unix.Wait4(s.c.Process.Pid, nil, unix.WNOHANG, nil)
	case 2:
		unix.Kill(os.Getpid(), unix.SIGCHLD)
	}
}
