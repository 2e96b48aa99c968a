package execx

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"
)

// A pipe is this process's end of one that a child has the other end of. Close
// is called when WaitDelay expires or the Cmd is closed.
type pipe interface {
	io.Closer
	// ended is called once the child's result is known. It reports whether
	// the pipe is still open, and Close has something to do.
	ended() bool
}

// copiedPipe is the end that a copying goroutine uses, and closes.
type copiedPipe struct{ *os.File }

func (copiedPipe) ended() bool { return false }

// copiedPipes returns those of the pipes that a goroutine of this package uses.
func copiedPipes(pipes []pipe) []pipe {
	return slices.DeleteFunc(pipes, func(end pipe) bool {
		_, copied := end.(copiedPipe)
		return !copied
	})
}

// inPipe is what StdinPipe returned.
type inPipe struct{ io.WriteCloser }

func (p inPipe) ended() bool {
	p.Close()
	return false
}

// outPipe is what StdoutPipe and StderrPipe return. It closes itself at the end
// of file, as few callers of os/exec do, whose Wait closes it.
type outPipe struct {
	*os.File
	eof  atomic.Bool // there is nothing more to read: File is, or will be, closed
	lent atomic.Bool // another process has it as its standard input
	done atomic.Bool // ended was called
}

var _ interface {
	io.ReadCloser
	io.WriterTo
} = (*outPipe)(nil)

func (p *outPipe) Read(b []byte) (int, error) {
	n, err := p.File.Read(b)
	if err == io.EOF {
		p.finish()
	} else if p.finished(err) {
		err = io.EOF
	}
	return n, err
}

// WriteTo implements [io.WriterTo], for [io.Copy].
func (p *outPipe) WriteTo(w io.Writer) (int64, error) {
	n, err := p.File.WriteTo(w)
	if err == nil {
		p.finish()
	} else if p.finished(err) {
		err = nil
	}
	return n, err
}

// Close closes the pipe. A process that writes to it after that gets SIGPIPE.
func (p *outPipe) Close() error {
	if p.eof.Load() {
		return nil
	}
	return p.File.Close()
}

func (p *outPipe) finish() {
	if !p.eof.Swap(true) {
		p.File.Close()
	}
}

// finished reports whether err is because of finish.
func (p *outPipe) finished(err error) bool {
	return p.eof.Load() && errors.Is(err, os.ErrClosed)
}

// lend notes that another process was given the pipe. Its reader is that process
// from then on, so the end of the writing one closes this end, as it does in
// os/exec.
func (p *outPipe) lend() {
	p.lent.Store(true)
	if p.done.Load() {
		p.finish()
	}
}

func (p *outPipe) ended() bool {
	p.done.Store(true)
	if p.lent.Load() || hungUp(p.File) {
		p.finish()
	}
	return !p.eof.Load()
}
