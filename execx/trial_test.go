//go:build unix

package execx_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// trialScript writes all its output, says so through descriptor 4, together with the
// number of the grandchild, and goes on to its end once descriptor 3 is at its own.
const trialScript = `
	cat
	echo out; pwd -P; echo "$A$B"; %s
	echo err >&2
	%s
	echo ${!:-0} >&4
	read line <&3
	%s`

// run runs the command of the trial, for which dir is. It returns the error, and
// notes in outcome what else can be told.
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
			defer kill() // Wait returns nevertheless
		} else {
			pid := c.Process.Pid
			killing.Go(func() {
				defer kill()
				proctest.Until(t, func() bool { return ended(pid) }, "process %d has not ended", pid)
			})
		}
	}
	err = r.Wait()
	noteState(c, outcome)
	return err
}

// ended reports whether there is no process of this number that runs. Where that
// cannot be told it is taken to be so.
func ended(pid int) bool {
	state := proctest.State(pid)
	return state == 0 || state == 'Z'
}

// noteState notes how the process ended.
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

// context returns the context of the trial, nil for none, and what makes it done.
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

// foreign is a context that is none of package context's, and whose deadline
// passes when done is closed.
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

// surroundings sets the directory, the environment and the extra files of c. It
// returns what the script will write.
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

// tempFile returns a file of dir with this content, open for reading and writing.
func tempFile(t *testing.T, dir, content string) *os.File {
	f, err := os.CreateTemp(dir, "")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.WriteAt([]byte(content), 0)
	require.NoError(t, err)
	return f
}

// streams are our sides of a command's standard streams.
type streams struct {
	stdin          io.WriteCloser // or nil
	stdout, stderr *output
}

// An output is where the output of a process goes: a pipe or a file to be read,
// a buffer, or nowhere.
type output struct {
	expected string

	pipe io.ReadCloser
	file *os.File

	mu   sync.Mutex // guards what is below
	buf  bytes.Buffer
	full chan struct{} // closed once buf is as long as expected
}

func newOutput(expected string) *output {
	return &output{expected: expected, full: make(chan struct{})}
}

// streams connects the standard streams of c, for the script to write out and errOut.
func (tr trial) streams(t *testing.T, c *exec.Cmd, r runner, dir, out, errOut string) *streams {
	const in = "in\n"
	s := &streams{stdout: newOutput(out), stderr: newOutput(errOut)}
	var err error
	switch tr["stdin"] {
	case "file":
		c.Stdin = tempFile(t, dir, in)
	case "reader":
		c.Stdin = strings.NewReader(in)
	case "failing reader":
		c.Stdin = io.MultiReader(strings.NewReader(in), iotest.ErrReader(errors.New("no input")))
	case "pipe":
		s.stdin, err = r.StdinPipe()
		require.NoError(t, err)
	}

	switch tr["stdout"] {
	case "file":
		s.stdout.file = tempFile(t, dir, "")
		c.Stdout = s.stdout.file
	case "buffer":
		c.Stdout = s.stdout
	case "pipe":
		s.stdout.pipe, err = r.StdoutPipe()
		require.NoError(t, err)
	}

	switch tr["stderr"] {
	case "file":
		s.stderr.file = tempFile(t, dir, "")
		c.Stderr = s.stderr.file
	case "buffer":
		c.Stderr = s.stderr
	case "failing writer":
		c.Stderr = failingWriter{}
	case "pipe":
		s.stderr.pipe, err = r.StderrPipe()
		require.NoError(t, err)
	case "stdout":
		c.Stderr = c.Stdout
		s.stdout.expected += errOut
	}
	if c.Stdout != s.stdout {
		close(s.stdout.full)
	}
	if c.Stderr != s.stderr {
		close(s.stderr.full)
	}
	return s
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.buf.Len()
	o.buf.Write(b)
	if before < len(o.expected) && o.buf.Len() >= len(o.expected) {
		close(o.full)
	}
	return len(b), nil
}

// exchange gives the process its input and takes its output.
func (s *streams) exchange(t *testing.T) {
	if s.stdin != nil {
		_, err := io.WriteString(s.stdin, "in\n")
		require.NoError(t, err)
		require.NoError(t, s.stdin.Close())
	}
	for _, o := range []*output{s.stdout, s.stderr} {
		if o.pipe != nil {
			b := make([]byte, len(o.expected))
			_, err := io.ReadFull(o.pipe, b)
			require.NoError(t, err)
			o.buf.Write(b)
		}
	}
	proctest.Receive(t, s.stdout.full)
	proctest.Receive(t, s.stderr.full)
}

// written returns the output.
func (s *streams) written() (stdout, stderr string) {
	return s.stdout.String(), s.stderr.String()
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		b, _ := io.ReadAll(io.NewSectionReader(o.file, 0, 1<<20))
		return string(b)
	}
	return o.buf.String()
}

// close closes the pipes that are read, which os/exec has done.
func (s *streams) close() {
	for _, o := range []*output{s.stdout, s.stderr} {
		if o.pipe != nil {
			o.pipe.Close()
		}
	}
}
