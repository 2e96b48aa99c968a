package execx_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// collectSome runs the garbage collector, whether or not there is anything to collect.
func collectSome() {
	for range 5 {
		runtime.GC()
	}
}

// A job is a Cmd together with what a user may have derived from it.
type job struct {
	execx.Cmd
	output bytes.Buffer
}

func TestDroppedAsPartOfStruct(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(j *job)
	}{
		{"plain", func(j *job) {}},
		{"writer is a part, too", func(j *job) {
			j.Stdout, j.Stderr = &j.output, &j.output
		}},
		{"Cancel refers to the whole", func(j *job) {
			j.Stdout = &j.output
			j.Cancel = func() error { return j.Kill() }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			func() {
				j := &job{Cmd: *execx.CommandContext(ctx, "echo", "out")}
				tt.prepare(j)
				require.NoError(t, j.Start())
			}()
			proctest.Collect(t, proctest.NoChildren, "not reaped")
			cmdtest.DrainOrphans(t)
		})
	}
}

// Dropped processes that go on running don't use up the descriptors of this program.
func TestManyDropped(t *testing.T) {
	if !proctest.Apart(t, nil) {
		return
	}
	proctest.NoLeaks(t)
	limit(t, unix.RLIMIT_NOFILE, 150)
	kill := func() {
		for _, pid := range proctest.Children() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	defer kill()
	const n = 250
	for i := range n {
		if i%10 == 0 {
			proctest.Collect(t, func() bool { return execx.Orphans() == i }, "not dropped")
		}
		require.NoError(t, execx.Command("sleep", "1000").Start())
	}
	proctest.Collect(t, func() bool { return execx.Orphans() == n }, "not dropped")
	assert.Len(t, proctest.Children(), n)
	kill()
	cmdtest.DrainOrphans(t)
	assert.Empty(t, proctest.Children())
}

func TestDroppedAfterEmbeddedStart(t *testing.T) {
	proctest.NoLeaks(t)
	func() {
		c := execx.Command("sleep", "1000")
		require.NoError(t, c.Cmd.Start())
		done, err := c.TryWait() // makes the process known to execx
		require.False(t, done)
		require.NoError(t, err)
		require.NoError(t, c.Kill())
	}()
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
}

// A Cmd that a goroutine waits for is reachable.
func TestWaitedForIsNotDropped(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait func(ctx context.Context, c *execx.Cmd) <-chan error
	}{
		{"Wait", func(_ context.Context, c *execx.Cmd) <-chan error {
			result := make(chan error, 1)
			go func() { result <- c.Wait() }()
			return result
		}},
		{"WaitChan", func(ctx context.Context, c *execx.Cmd) <-chan error { return c.WaitChan(ctx) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			r, w, err := os.Pipe()
			require.NoError(t, err)
			var result <-chan error
			func() {
				c := execx.Command("sh", "-c", "cat; exit 3")
				c.Stdin = r
				c.KillOnClose = true // makes a premature end visible
				require.NoError(t, c.Start())
				result = tt.wait(ctx, c)
			}()
			r.Close()
			collectSome()
			require.NoError(t, w.Close())
			err, _ = proctest.Receive(t, result)
			assert.EqualError(t, err, "exit status 3")
		})
	}
}

// A pipe can be read to its end after the Cmd has been dropped.
func TestPipeOfDroppedIsReadToTheEnd(t *testing.T) {
	proctest.NoLeaks(t)
	var stdin io.WriteCloser
	var stdout io.ReadCloser
	func() {
		c := execx.Command("cat")
		var err error
		stdin, err = c.StdinPipe()
		require.NoError(t, err)
		stdout, err = c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
	}()
	proctest.Collect(t, func() bool { return execx.Orphans() == 1 }, "not given up")
	go func() {
		io.WriteString(stdin, strings.Repeat("x", 1_000_000))
		stdin.Close()
	}()
	b, err := io.ReadAll(stdout)
	require.NoError(t, err)
	assert.Len(t, b, 1_000_000)
	cmdtest.DrainOrphans(t)
	_, err = stdout.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
}

// The output of a dropped Cmd is still copied, and the process does not get SIGPIPE.
func TestDroppedGoesOnCopying(t *testing.T) {
	proctest.NoLeaks(t)
	r, w := io.Pipe()
	in, out, err := os.Pipe()
	require.NoError(t, err)
	func() {
		c := execx.Command("sh", "-c", "cat; echo end >&2")
		c.Stdin = in
		c.Stdout, c.Stderr = w, w
		require.NoError(t, c.Start())
	}()
	in.Close()
	proctest.Collect(t, func() bool { return execx.Orphans() == 1 }, "not given up")
	lines := bufio.NewScanner(r)
	for range 1000 {
		_, err := io.WriteString(out, "line\n")
		require.NoError(t, err)
		require.True(t, lines.Scan())
		require.Equal(t, "line", lines.Text())
	}
	require.NoError(t, out.Close())
	require.True(t, lines.Scan())
	assert.Equal(t, "end", lines.Text())
	cmdtest.DrainOrphans(t)
}

func TestContextGovernsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	func() {
		c := execx.CommandContext(ctx, "sleep", "1000")
		c.Stdout = new(bytes.Buffer)
		require.NoError(t, c.Start())
	}()
	proctest.Collect(t, func() bool { return execx.Orphans() == 1 }, "not given up")
	assert.Len(t, proctest.Children(), 1)
	cancel()
	cmdtest.DrainOrphans(t)
	assert.Empty(t, proctest.Children())
}

// Children with a context cost no goroutines, however many there are.
func TestContextOfManyCostsNoGoroutine(t *testing.T) {
	const n = 300
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := runtime.NumGoroutine()
	var cmds []*execx.Cmd
	for range n {
		c := execx.CommandContext(ctx, "sleep", "1000")
		require.NoError(t, c.Start())
		cmds = append(cmds, c)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), before+5)
	cancel()
	for _, c := range cmds {
		require.EqualError(t, c.Wait(), "signal: killed")
	}
}

// If a process can't be watched, a cancelled wait leaves behind a goroutine that holds its
// os.Process. The program may hold it as well, and can wait for it.
func TestDroppedWhileBlocked(t *testing.T) {
	proctest.NoLeaks(t)
	p := func() *os.Process {
		c := execx.Command("sleep", "1000")
		c.KillOnClose = true
		require.NoError(t, c.Start())
		c.Block()
		return c.Process
	}()
	collected(t)
	require.NoError(t, p.Signal(syscall.Signal(0)))
	require.Len(t, execx.Live(), 1)
	require.NoError(t, p.Kill())
	state, err := p.Wait()
	require.NoError(t, err)
	assert.Equal(t, "signal: killed", state.String())
	p = nil
	proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
}

// If the program waits for the os.Process of a dropped command with KillOnClose, the rest of its
// group is still killed.
func TestKillOnCloseOfGroupThatWasWaitedFor(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	proctest.NoLeaks(t)
	var pids []int
	func() {
		p := func() *os.Process {
			c := execx.Command("sh")
			c.ProcessGroup, c.KillOnClose = true, true
			pids = startFamily(t, c, "exit 3")
			return c.Process
		}()
		collected(t)
		_, err := p.Wait()
		require.NoError(t, err)
		for _, pid := range pids {
			assert.False(t, proctest.Ended(pid))
		}
	}()
	proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
	untilEnded(t, pids...)
}

// Two commands may have the same process.
func TestSharedProcessIsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	func() {
		a, b := execx.Command("true"), execx.Command("true")
		require.NoError(t, a.Start())
		require.NoError(t, b.Start())
		a.Process = b.Process
		a.Signal(syscall.Signal(0)) // detects the exit
	}()
	proctest.Collect(t, proctest.NoChildren, "not reaped")
	cmdtest.DrainOrphans(t)
}

// A traced group is released together with its Cmd.
func TestTracedGroupIsDropped(t *testing.T) {
	proctest.NoLeaks(t)
	asTracer(t)
	for range 5 {
		pid := func() int {
			c := execx.Command("true")
			c.ProcessGroup = true
			c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
			require.NoError(t, c.Start())
			return c.Process.Pid
		}()
		status, err := waitPID(pid)
		require.NoError(t, err)
		require.True(t, status.Stopped())
		require.NoError(t, syscall.PtraceCont(pid, 0))
		_, err = waitPID(pid)
		require.NoError(t, err)
	}
	proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not dropped")
}
