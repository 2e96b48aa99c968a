package execx

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// ErrOutputTooLong is the result of a command that has written more than MaxOutput bytes to
// what Output or CombinedOutput collects.
var ErrOutputTooLong = errors.New("exec: output too long")

// Output runs the command and returns its standard output, as
// [exec.Cmd.Output] does. If c.Stderr was nil and the command fails with an
// [*ExitError], that error's Stderr field holds the standard error, or the first and
// last 32 KiB of it.
//
// If c.MaxOutput is set and the output is longer, Output returns the first MaxOutput
// bytes of it, and [ErrOutputTooLong].
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("exec: Stdout already set")
	}
	var stdout bytes.Buffer
	c.Stdout = c.collector(&stdout)
	if c.Stderr == nil {
		c.Stderr = &prefixSuffixSaver{limit: 32 << 10}
	}
	err := c.Run()
	return unlessClosed(&stdout, err)
}

// CombinedOutput runs the command and returns its combined standard output and
// standard error, as [exec.Cmd.CombinedOutput] does. c.MaxOutput limits it as it limits that
// of Output.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("exec: Stdout already set")
	}
	if c.Stderr != nil {
		return nil, errors.New("exec: Stderr already set")
	}
	var output bytes.Buffer
	c.Stdout = c.collector(&output)
	c.Stderr = c.Stdout
	err := c.Run()
	return unlessClosed(&output, err)
}

// collector returns the writer that collects the output of c in b.
func (c *Cmd) collector(b *bytes.Buffer) io.Writer {
	if c.MaxOutput <= 0 {
		return b
	}
	return &limited{b, c.MaxOutput, c}
}

// unlessClosed returns what is in b, and err. After Close copying to b may go on.
func unlessClosed(b *bytes.Buffer, err error) ([]byte, error) {
	if err == ErrClosed {
		return nil, err
	}
	return b.Bytes(), err
}

// limited collects the output of a command, up to its MaxOutput.
type limited struct {
	output *bytes.Buffer
	limit  int64
	cmd    *Cmd
}

func (l *limited) Write(b []byte) (int, error) {
	if room := l.limit - int64(l.output.Len()); int64(len(b)) > room {
		n, _ := l.output.Write(b[:room])
		l.cmd.startedChild().fail(ErrOutputTooLong)
		return n, ErrOutputTooLong
	}
	return l.output.Write(b)
}

// fail kills the process, and makes err the result, unless the child was closed.
func (p *child) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.custody == closed {
		return
	}
	p.failure = err
	p.sendLocked(os.Kill)
	p.hurried = true // others may have its output
	p.startTimerLocked()
}
