//go:build unix

package execx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// trialScript writes all its output, reports that on descriptor 4 together with the PID of the
// grandchild, and exits when descriptor 3 is at its end.
const trialScript = `
	cat
	echo out; pwd -P; echo "$A$B"; %s
	echo err >&2
	%s
	echo ${!:-0} >&4
	read line <&3
	%s`

// run runs the command of the trial in dir. It returns the error, and records everything else that
// can be observed in outcome.
func (tr trial) run(t *testing.T, command commander, dir string, outcome map[string]string) error {
	ctx, interrupt := tr.context()
	defer interrupt()
	gate, open, err := os.Pipe()
	require.NoError(t, err)
	defer open.Close()
	readable, ready, err := os.Pipe()
	require.NoError(t, err)
	defer readable.Close()

	c, r := command(ctx, tr.name(), tr.args()...)
	c.ExtraFiles = []*os.File{gate, ready}
	canceled := make(chan struct{})
	tr.setCancel(c, canceled)
	c.WaitDelay = map[string]time.Duration{"none": 0, "short": 10 * time.Millisecond, "long": proctest.Deadline}[tr["delay"]]
	out, errOut := tr.surroundings(t, c, dir)
	s := tr.streams(t, c, r, dir, out, errOut)
	defer s.close()
	defer func() { outcome["stdout"], outcome["stderr"] = s.written() }()

	if !tr.has("method", "Wait") {
		open.Close()
		defer gate.Close()
		defer ready.Close()
		var output []byte
		switch tr["method"] {
		case "Run":
			err = r.Run()
		case "Output":
			output, err = r.Output()
		case "CombinedOutput":
			output, err = r.CombinedOutput()
		}
		outcome["output"] = string(output)
		noteState(c, outcome)
		return err
	}

	err = r.Start()
	gate.Close()
	ready.Close()
	outcome["Start again"] = describe(r.Start())
	if err != nil {
		outcome["Wait"] = describe(r.Wait())
		noteState(c, outcome)
		return err
	}
	s.exchange(t)
	line, err := bufio.NewReader(readable).ReadString('\n')
	require.NoError(t, err)
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)

	if tr.interrupted() {
		interrupt()
		if c.Cancel != nil && !tr.has("cancel", "default") {
			proctest.Receive(t, canceled)
		}
	}
	if !tr.killed() {
		open.Close()
	}
	if grandchild != 0 {
		var killing sync.WaitGroup
		defer killing.Wait()
		kill := func() { syscall.Kill(grandchild, syscall.SIGKILL) }
		if tr.has("delay", "short") {
			defer kill() // Wait must return before
		} else {
			pid := c.Process.Pid
			killing.Go(func() {
				defer kill()
				proctest.Until(t, func() bool { return proctest.Ended(pid) }, "process %d has not ended", pid)
			})
		}
	}
	err = r.Wait()
	noteState(c, outcome)
	return err
}

// noteState records how the process has ended.
func noteState(c *exec.Cmd, outcome map[string]string) {
	outcome["started"] = fmt.Sprint(c.Process != nil)
	s := c.ProcessState
	if s == nil {
		outcome["state"] = "nil"
		return
	}
	status := s.Sys().(syscall.WaitStatus)
	outcome["state"] = fmt.Sprintf("%v: exited %t, success %t, code %d, signaled %t by %v, its own %t",
		s, s.Exited(), s.Success(), s.ExitCode(), status.Signaled(), status.Signal(), s.Pid() == c.Process.Pid)
}

func (tr trial) name() string {
	switch tr["program"] {
	case "not in PATH":
		return "no-such-program"
	case "missing file":
		return "/no/such/program"
	case "directory":
		return "/"
	default:
		return "sh"
	}
}

func (tr trial) args() []string {
	extra := map[string]string{"none": "", "file": "cat <&5", "nil, file": "cat <&6"}[tr["extra"]]
	var grandchild string
	if tr.has("grandchild", "holds the streams") {
		grandchild = "sleep 1000 3<&- 4>&- &"
	}
	script := fmt.Sprintf(trialScript, extra, grandchild, tr["end"])
	if tr.has("SIGTERM", "ignored") {
		script = "trap '' TERM\n" + script
	}
	return []string{"-c", script}
}

// context returns the context of the trial, or nil, and a function that ends it.
func (tr trial) context() (ctx context.Context, interrupt context.CancelFunc) {
	switch tr["context"] {
	case "none":
		return nil, func() {}
	case "background":
		return context.Background(), func() {}
	case "done before":
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx, cancel
	case "late before":
		return context.WithDeadline(context.Background(), time.Unix(0, 0))
	case "foreign, live", "foreign, late while running":
		ctx := &foreign{Context: context.Background(), done: make(chan struct{})}
		return ctx, sync.OnceFunc(func() { close(ctx.done) })
	default:
		return context.WithCancel(context.Background())
	}
}

// foreign is a context that does not come from package context, and whose deadline passes when done
// is closed.
type foreign struct {
	context.Context
	done chan struct{}
}

func (f *foreign) Done() <-chan struct{} { return f.done }

func (f *foreign) Err() error {
	select {
	case <-f.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (tr trial) setCancel(c *exec.Cmd, called chan struct{}) {
	result := func(f func() error) func() error {
		return func() error {
			defer close(called)
			return f()
		}
	}
	switch tr["cancel"] {
	case "nil":
		c.Cancel = nil
	case "fails":
		c.Cancel = result(func() error { return errors.New("no way") })
	case "finds it done":
		c.Cancel = result(func() error { return os.ErrProcessDone })
	case "SIGTERM":
		c.Cancel = result(func() error { return c.Process.Signal(syscall.SIGTERM) })
	}
}

// surroundings sets the directory, the environment and the extra files of c. It returns what the
// script will write.
func (tr trial) surroundings(t *testing.T, c *exec.Cmd, dir string) (out, errOut string) {
	wd, err := os.Getwd()
	require.NoError(t, err)
	switch tr["dir"] {
	case "given":
		c.Dir, wd = dir, dir
	case "missing":
		c.Dir = filepath.Join(dir, "none")
	}
	wd, err = filepath.EvalSymlinks(wd)
	require.NoError(t, err)

	env := os.Getenv("A") + os.Getenv("B")
	switch tr["env"] {
	case "given":
		c.Env, env = []string{"PATH=" + os.Getenv("PATH"), "A=a"}, "a"
	case "duplicates":
		c.Env, env = []string{"A=a", "B=b", "PATH=" + os.Getenv("PATH"), "A=c", "B="}, "c"
	case "NUL":
		c.Env = []string{"A=\x00"}
	}

	if !tr.has("stdin", "nil") {
		out = "in\n"
	}
	out += "out\n" + wd + "\n" + env + "\n"
	if !tr.has("extra", "none") {
		if tr.has("extra", "nil, file") {
			c.ExtraFiles = append(c.ExtraFiles, nil)
		}
		c.ExtraFiles = append(c.ExtraFiles, tempFile(t, dir, "extra\n"))
		out += "extra\n"
	}
	return out, "err\n"
}
