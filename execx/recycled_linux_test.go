package execx_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// An innocent is a process, and the leader of a group, that has got the number of another
// one. It lives until it is asked whether it does.
type innocent struct {
	process       *os.Process
	stdin, stdout *os.File
}

// recycle gives the number of a process that is gone to an innocent.
func recycle(t *testing.T, pid int) *innocent {
	t.Helper()
	in, stdin, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	stdout, out, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	p := &innocent{stdin: stdin, stdout: stdout}
	t.Cleanup(p.close)
	p.process = startAs(t, pid, "read line && echo alive", in, out)
	return p
}

// assertSpared asserts that no signal has ended the process. It ends then.
func (p *innocent) assertSpared(t *testing.T) {
	t.Helper()
	p.stdin.WriteString("are you alive?\n")
	answer, err := io.ReadAll(p.stdout)
	require.NoError(t, err)
	assert.Equal(t, "alive\n", string(answer), "a signal has reached another process")
	p.close()
}

// close ends the process, and reaps it if nobody has taken it for another.
func (p *innocent) close() {
	p.stdin.Close()
	p.stdout.Close()
	if p.process != nil {
		p.process.Wait()
	}
}

// A recycled is a command whose process is gone, but not because of the command.
type recycled struct {
	*execx.Cmd
	cancel func()      // ends its context
	acted  func() bool // whether that has been acted on
}

// ends are the ways to end a command. They return once it has sent what it sends.
var ends = map[string]func(t *testing.T, c recycled){
	"Kill": func(t *testing.T, c recycled) {
		assert.ErrorIs(t, c.Kill(), os.ErrProcessDone)
	},
	"Signal": func(t *testing.T, c recycled) {
		assert.ErrorIs(t, c.Signal(syscall.SIGTERM), os.ErrProcessDone)
	},
	"Shutdown": func(t *testing.T, c recycled) {
		c.Shutdown(soon(t))
	},
	"Close": func(t *testing.T, c recycled) { assert.NoError(t, c.Close()) }, // with KillOnClose
	"context": func(t *testing.T, c recycled) {
		c.cancel()
		proctest.Until(t, c.acted, "nothing is canceled")
	},
}

// reapers are those who may reap the process of a command without its knowledge.
var reapers = map[string]func(t *testing.T, c *execx.Cmd){
	"os": func(t *testing.T, c *execx.Cmd) {
		_, err := c.Process.Wait()
		require.NoError(t, err)
	},
	"thief": func(t *testing.T, c *execx.Cmd) {
		_, err := waitNumber(c.Process.Pid)
		require.NoError(t, err)
	},
}

// Nobody but the process of the command gets its signals, once another one has its number.
func TestSignalsToRecycledNumber(t *testing.T) {
	proctest.Slow(t)
	if !ownNumbers(t) {
		return
	}
	starts := map[string]func(t *testing.T, ctx context.Context, group bool) recycled{
		"Start": func(t *testing.T, ctx context.Context, group bool) recycled {
			c := execx.CommandContext(ctx, "true")
			c.ProcessGroup, c.KillOnClose = group, true
			require.NoError(t, c.Start())
			return recycled{Cmd: c, acted: c.Interrupted}
		},
		"Start of a copy": func(t *testing.T, ctx context.Context, group bool) recycled {
			c := &execx.Cmd{Cmd: *exec.CommandContext(ctx, "true"), ProcessGroup: group, KillOnClose: true}
			require.NoError(t, c.Start())
			return recycled{Cmd: c, acted: c.Interrupted}
		},
		"exec.Cmd.Start": func(t *testing.T, ctx context.Context, group bool) recycled {
			c := execx.CommandContext(ctx, "true")
			c.ProcessGroup, c.KillOnClose = group, true
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
			var acted atomic.Bool
			cancel := c.Cancel
			c.Cancel = func() error {
				defer acted.Store(true)
				return cancel()
			}
			require.NoError(t, c.Cmd.Start())
			c.Signal(syscall.Signal(0)) // c is to know of its process before that is gone
			return recycled{Cmd: c, acted: acted.Load}
		},
	}
	for startName, start := range starts {
		for reaper, reap := range reapers {
			for endName, end := range ends {
				for _, group := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, reaped by %s, %s, group=%t", startName, reaper, endName, group), func(t *testing.T) {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						c := start(t, ctx, group)
						c.cancel = cancel
						reap(t, c.Cmd)
						other := recycle(t, c.Process.Pid)
						end(t, c)
						other.assertSpared(t)
						proctest.Receive(t, c.WaitChan(t.Context()))
						require.NoError(t, c.Close())
						cmdtest.DrainOrphans(t)
					})
				}
			}
		}
	}
}

// So it is when the garbage collector ends the command.
func TestDroppedWithRecycledNumber(t *testing.T) {
	if !ownNumbers(t) {
		return
	}
	for reaper, reap := range reapers {
		for _, group := range []bool{false, true} {
			t.Run(fmt.Sprintf("reaped by %s, group=%t", reaper, group), func(t *testing.T) {
				other := func() *innocent {
					c := execx.Command("true")
					c.ProcessGroup, c.KillOnClose = group, true
					require.NoError(t, c.Start())
					reap(t, c)
					other := recycle(t, c.Process.Pid)
					runtime.KeepAlive(c)
					return other
				}()
				proctest.Collect(t, func() bool { return len(execx.Live()) == 0 }, "not noticed")
				other.assertSpared(t)
				cmdtest.DrainOrphans(t)
			})
		}
	}
}

// An outsider is a process that has left the group of the command that started it, and
// holds the output of that.
type outsider struct {
	t     *testing.T
	stdin *os.File
	pid   int
}

// startOutsider has start start c, a shell that starts an outsider and lives until its
// standard input ends. The outsider does what the script says.
func startOutsider(t *testing.T, c *execx.Cmd, start func() error, script string) *outsider {
	t.Helper()
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", `setsid sh -c "$0" & read line; exit 0`, "echo $$; " + script}
	in, stdin, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	t.Cleanup(func() { stdin.Close() })
	out := make(first, 1)
	c.Stdin, c.Stdout = in, out
	require.NoError(t, start())
	o := &outsider{t: t, stdin: stdin}
	text, _ := proctest.Receive(t, out)
	_, err = fmt.Sscan(text, &o.pid) // it has left the group by then
	require.NoError(t, err)
	t.Cleanup(o.kill)
	return o
}

// endLeader has the process of the command end.
func (o *outsider) endLeader() { o.stdin.Close() }

// kill kills and reaps the outsider, which is ours when its parent has ended.
func (o *outsider) kill() {
	o.endLeader()
	if o.pid != 0 {
		syscall.Kill(o.pid, syscall.SIGKILL)
		proctest.Until(o.t, func() bool {
			_, err := waitNumber(o.pid)
			return err == nil
		}, "not reaped")
		o.pid = 0
	}
}

// A first is a writer that gives away what is written first, and loses the rest.
type first chan string

func (f first) Write(b []byte) (int, error) {
	select {
	case f <- string(b):
	default:
	}
	return len(b), nil
}

// A command is not over while its output lasts, but its number is by then, unless that is needed
// to name its group.
func TestSignalsWhileOutputLasts(t *testing.T) {
	proctest.Slow(t)
	if !ownNumbers(t) {
		return
	}
	for startName, start := range starts {
		for endName, end := range ends {
			if endName == "context" {
				continue // has no say in it any longer
			}
			for _, group := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, group=%t", startName, endName, group), func(t *testing.T) {
					c := &execx.Cmd{KillOnClose: true, ProcessGroup: group}
					c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
					o := startOutsider(t, c, func() error { return start(c) }, "exec sleep 1000")
					result := make(chan error, 1)
					go func() { result <- c.Wait() }()
					o.endLeader()
					pid := c.Process.Pid
					if startName == "Start" && group && !proctest.GroupPidfds() {
						proctest.Zombie(t, pid)
						end(t, recycled{Cmd: c})
					} else {
						proctest.Until(t, func() bool { return proctest.State(pid) == 0 }, "not reaped")
						other := recycle(t, pid)
						end(t, recycled{Cmd: c})
						other.assertSpared(t)
					}
					// Shutdown has waited for the output as long as it does.
					cuts := endName == "Close" || endName == "Shutdown" && startName == "Start"
					if !cuts {
						assert.Empty(t, result, "the output lasts")
						o.kill()
					}
					err, _ := proctest.Receive(t, result)
					o.kill()
					switch {
					case endName == "Close":
						assert.ErrorIs(t, err, execx.ErrClosed)
					case cuts:
						assert.ErrorIs(t, err, execx.ErrWaitDelay)
					default:
						assert.NoError(t, err)
					}
					require.NoError(t, c.Close())
					cmdtest.DrainOrphans(t)
				})
			}
		}
	}
}

// What WaitDelay kills when it ends is not the process that has the number by then.
func TestWaitDelayEndsWithRecycledNumber(t *testing.T) {
	if !ownNumbers(t) {
		return
	}
	for _, tt := range []struct {
		reaper string
		reap   func(t *testing.T, c *execx.Cmd)
	}{
		{"os", reapers["os"]},
		{"thief", reapers["thief"]},
		{"Wait", func(t *testing.T, c *execx.Cmd) {
			c.WaitChan(t.Context())
			proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 0 }, "not reaped")
		}},
	} {
		for _, group := range []bool{false, true} {
			if tt.reaper == "Wait" && group && !proctest.GroupPidfds() {
				continue // it is not reaped while there is output
			}
			t.Run(fmt.Sprintf("reaped by %s, group=%t", tt.reaper, group), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup = group
				c.WaitDelay = time.Millisecond
				canceling, proceed := make(chan struct{}), make(chan struct{})
				c.Cancel = func() error {
					close(canceling)
					<-proceed // WaitDelay begins then
					return nil
				}
				stop := sync.OnceFunc(func() { close(proceed) })
				defer stop()
				// It ends when nobody reads the output any more, as when WaitDelay has ended.
				o := startOutsider(t, c, c.Start, "while echo; do sleep 0.01; done")
				cancel()
				proctest.Receive(t, canceling)
				o.endLeader()
				tt.reap(t, c)
				other := recycle(t, c.Process.Pid)
				stop()
				untilEnded(t, o.pid)
				other.assertSpared(t)
				o.kill()
				proctest.Receive(t, c.WaitChan(t.Context()))
				require.NoError(t, c.Close())
				cmdtest.DrainOrphans(t)
			})
		}
	}
}
