package execx

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// ErrOutputTooLong is returned by [Cmd.Output] and [Cmd.CombinedOutput] if the command has written
// more than [Cmd.MaxOutput] bytes.
var ErrOutputTooLong = errors.New("exec: output too long")

// Output runs the command and returns its standard output, as [exec.Cmd.Output] does. If c.Stderr
// was nil and Output returns an [*ExitError], its Stderr field holds the standard error, or its
// first and last 32 KiB.
//
// If c.MaxOutput is set and the output is longer, Output returns the first MaxOutput bytes and
// [ErrOutputTooLong].
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

// CombinedOutput runs the command and returns its combined standard output and standard error, as
// [exec.Cmd.CombinedOutput] does. c.MaxOutput limits the output as in [Cmd.Output].
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

// unlessClosed returns the contents of b, and err. After Close, copying to b may continue.
func unlessClosed(b *bytes.Buffer, err error) ([]byte, error) {
	if err == ErrClosed {
		return nil, err
	}
	return b.Bytes(), err
}

// limited collects the output of a command, up to MaxOutput bytes.
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

// fail kills the process and sets the result, unless the child was closed.
func (p *child) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.custody == closed {
		return
	}
	p.failure = err
	p.sendLocked(os.Kill)
	p.boundOutput = true // other processes may hold open its output
	p.startTimerLocked()
}
