package execx_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/cmdtest"
	"go.execx.dev/internal/proctest"
)

// An outsider is a process that has left the group of its command and holds the output of the
// command.
type outsider struct {
	t     *testing.T
	stdin *os.File
	pid   int
}

// startOutsider calls start to start c, a shell that starts an outsider and runs until its standard
// input ends. The outsider runs the script.
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
	_, err = fmt.Sscan(text, &o.pid) // by now, it has left the group
	require.NoError(t, err)
	t.Cleanup(o.kill)
	return o
}

// endLeader makes the process of the command exit.
func (o *outsider) endLeader() { o.stdin.Close() }

// kill kills and reaps the outsider, which is a child of this process after its parent has ended.
func (o *outsider) kill() {
	o.endLeader()
	if o.pid != 0 {
		syscall.Kill(o.pid, syscall.SIGKILL)
		proctest.Until(o.t, func() bool {
			_, err := waitPID(o.pid)
			return err == nil
		}, "not reaped")
		o.pid = 0
	}
}

// first is a writer that sends the first data written and discards the rest.
type first chan string

func (f first) Write(b []byte) (int, error) {
	select {
	case f <- string(b):
	default:
	}
	return len(b), nil
}

// A command lasts as long as its output, but its PID does not, unless it is needed to identify the
// group.
func TestSignalsWhileOutputLasts(t *testing.T) {
	proctest.Slow(t)
	if !choosePIDs(t) {
		return
	}
	for _, by := range starts {
		for _, ending := range ends {
			if ending.name == "context" {
				continue // the context has no effect any longer
			}
			for _, group := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, group=%t", by.name, ending.name, group), func(t *testing.T) {
					c := &execx.Cmd{KillOnClose: true, ProcessGroup: group}
					c.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
					o := startOutsider(t, c, func() error { return by.start(c) }, "exec sleep 1000")
					result := make(chan error, 1)
					go func() { result <- c.Wait() }()
					o.endLeader()
					pid := c.Process.Pid
					if by.name == "Start" && group && !proctest.GroupPidfds() {
						proctest.Zombie(t, pid)
						ending.end(t, reusedCmd{Cmd: c})
					} else {
						proctest.Until(t, func() bool { return proctest.State(pid) == 0 }, "not reaped")
						other := reusePID(t, pid)
						ending.end(t, reusedCmd{Cmd: c})
						other.assertSpared(t)
					}
					// Shutdown has waited for the output as long as it does.
					cuts := ending.name == "Close" || ending.name == "Shutdown" && by.name == "Start"
					if !cuts {
						assert.Empty(t, result, "the output lasts")
						o.kill()
					}
					err, _ := proctest.Receive(t, result)
					o.kill()
					switch {
					case ending.name == "Close":
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

// When WaitDelay expires, the process that has got the PID is not killed.
func TestWaitDelayAfterPIDReuse(t *testing.T) {
	if !choosePIDs(t) {
		return
	}
	wait := reaper{"Wait", func(t *testing.T, c *execx.Cmd) {
		c.WaitChan(t.Context())
		proctest.Until(t, func() bool { return proctest.State(c.Process.Pid) == 0 }, "not reaped")
	}}
	for _, tt := range append(slices.Clip(reapers), wait) {
		for _, group := range []bool{false, true} {
			if tt.name == "Wait" && group && !proctest.GroupPidfds() {
				continue // the process is not reaped while there is output
			}
			t.Run(fmt.Sprintf("reaped by %s, group=%t", tt.name, group), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := execx.CommandContext(ctx, "sh")
				c.ProcessGroup = group
				c.WaitDelay = time.Millisecond
				canceling, proceed := make(chan struct{}), make(chan struct{})
				c.Cancel = func() error {
					close(canceling)
					<-proceed // starts WaitDelay
					return nil
				}
				stop := sync.OnceFunc(func() { close(proceed) })
				defer stop()
				// The script ends when its output is no longer read, as after WaitDelay.
				o := startOutsider(t, c, c.Start, "while echo; do sleep 0.01; done")
				cancel()
				proctest.Receive(t, canceling)
				o.endLeader()
				tt.reap(t, c)
				other := reusePID(t, c.Process.Pid)
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
