package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.execx.dev/execx"
)

// A job is one command, from its line of the input to its printed output.
type job struct {
	cmd            *execx.Cmd
	stdout, stderr *bytes.Buffer
	failed         bool
	ended          bool // as far as the scheduler knows
}

// newJob returns the job that command is for a line.
func newJob(command []string, line string) *job {
	args := make([]string, len(command), len(command)+1)
	substituted := false
	for i, arg := range command {
		args[i] = strings.ReplaceAll(arg, "{}", line)
		substituted = substituted || strings.Contains(arg, "{}")
	}
	if !substituted {
		args = append(args, line)
	}
	j := &job{
		cmd:    execx.Command(args[0], args[1:]...),
		stdout: new(bytes.Buffer),
		stderr: new(bytes.Buffer),
	}
	j.cmd.Stdout, j.cmd.Stderr = j.stdout, j.stderr
	j.cmd.ProcessGroup = true // which Ctrl-C does not reach, and which is killed as a whole
	return j
}

// errHeld is how a job ends whose processes are not all among the killed.
var errHeld = errors.New("killed, but its output was still in use and is lost")

// run runs the command to its end. It kills it when kill is done, and doesn't
// wait for it any longer when abandon is done.
func (j *job) run(kill, abandon context.Context) {
	defer j.cmd.Close()
	err := j.cmd.Start()
	if err == nil {
		err = j.cmd.WaitContext(kill)
		if errors.Is(err, context.Canceled) {
			j.cmd.Kill()
			err = j.cmd.WaitContext(abandon)
		}
		if errors.Is(err, context.Canceled) {
			// The old buffers may still be written to.
			j.stdout, j.stderr = new(bytes.Buffer), new(bytes.Buffer)
			err = errHeld
		}
	}
	if err != nil {
		j.failed = true
		j.report(err)
	}
	j.cmd = nil // the output may have to wait long: nothing else needs to
}

// report adds to the standard error of the command what has become of it.
func (j *job) report(err error) {
	if b := j.stderr.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		j.stderr.WriteByte('\n')
	}
	name := strings.Join(j.cmd.Args, " ")
	const edge = 250
	if len(name) > 2*edge {
		name = name[:edge] + "..." + name[len(name)-edge:]
	}
	fmt.Fprintf(j.stderr, "parallel: %s: %v\n", name, err)
}

// size is about how much memory an ended job takes.
func (j *job) size() int {
	const self = 256
	return self + j.stdout.Cap() + j.stderr.Cap()
}
