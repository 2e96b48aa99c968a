package execx

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// A pipe is this process's end of one that a child has the other end of. Close
// is called when the Cmd is closed.
type pipe interface {
	io.Closer
	expire() // is called when WaitDelay expires
	end()    // is called once the child's result is known
}

// copiedPipe is the end that a copying goroutine uses, and closes.
type copiedPipe struct{ *os.File }

func (p copiedPipe) expire() { p.Close() }
func (copiedPipe) end()      {}

// copiedPipes returns those of the pipes that a goroutine of this package uses.
func copiedPipes(pipes []pipe) []pipe {
	return slices.DeleteFunc(pipes, func(end pipe) bool {
		_, copied := end.(copiedPipe)
		return !copied
	})
}

// inPipe is what StdinPipe returned.
type inPipe struct{ io.WriteCloser }

func (p inPipe) expire() { p.Close() }
func (p inPipe) end()    { p.Close() }

// outPipe is what StdoutPipe and StderrPipe return. Once the command has ended, reads
// don't block: they take what is in the pipe.
type outPipe struct {
	*os.File

	mu       sync.Mutex // guards everything below
	state    pipeState
	lending  int       // starts of other processes that are to have it as their standard input
	lent     bool      // one has it
	deadline time.Time // that the program has set
	left     int       // how much may still be read, once it is known
}

// A pipeState is how far an outPipe has come.
type pipeState int

const (
	flowing  pipeState = iota // the command has not ended
	shut                      // by Close
	ended                     // the command has: File's deadline has passed, and nobody blocks in it
	measured                  // and it is known what was left in the pipe by then
	finished                  // nothing is left: File is closed
)

var _ interface {
	io.ReadCloser
	io.WriterTo
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
} = (*outPipe)(nil)

func (p *outPipe) Read(b []byte) (int, error) {
	if p.draining() {
		return p.drain(b)
	}
	n, err := p.File.Read(b)
	switch {
	case err == io.EOF:
		p.finish()
	case !p.draining():
	case err != nil:
		return p.drain(b)
	case hungUp(p.File):
		p.finish()
	}
	return n, err
}

// WriteTo implements [io.WriterTo], for [io.Copy].
func (p *outPipe) WriteTo(w io.Writer) (int64, error) {
	var n int64
	if !p.draining() {
		var err error
		n, err = p.File.WriteTo(w)
		if err == nil {
			p.finish()
			return n, nil
		}
		if !p.draining() || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, os.ErrClosed) {
			return n, err
		}
	}
	rest, err := io.Copy(w, struct{ io.Reader }{p})
	return n + rest, err
}

// drain is Read once the command has ended.
func (p *outPipe) drain(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == finished:
		return 0, io.EOF
	case p.state == shut:
		return p.File.Read(b) // which says so
	case len(b) == 0:
		return 0, nil
	case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
		return 0, &fs.PathError{Op: "read", Path: p.Name(), Err: os.ErrDeadlineExceeded}
	case p.state == ended: // what is written from now on is not the command's any more
		p.state, p.left = measured, buffered(p.File)
	}
	n, err := readBuffered(p.File, b[:min(len(b), p.left)])
	p.left -= n
	if n == 0 || hungUp(p.File) {
		p.finishLocked()
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// SetReadDeadline is that of [os.File].
func (p *outPipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	if p.state == ended || p.state == measured {
		return nil
	}
	return p.File.SetReadDeadline(t)
}

// SetDeadline is that of [os.File].
func (p *outPipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// Close closes the pipe. A process that writes to it after that gets SIGPIPE.
func (p *outPipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == finished {
		return nil
	}
	p.state = shut
	return p.File.Close()
}

// draining reports whether reads take what is left, and no more.
func (p *outPipe) draining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state >= ended
}

// finish closes the pipe, which has nothing left to read.
func (p *outPipe) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != shut {
		p.finishLocked()
	}
}

// finishLocked is finish with p.mu held. A start that is under way needs the file.
func (p *outPipe) finishLocked() {
	p.state = finished
	if p.lending == 0 {
		p.File.Close()
	}
}

// lend returns the file for another process that is about to be started, or nil if
// there is nothing left to read. giveBack is to be called then.
func (p *outPipe) lend() *os.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == finished {
		return nil
	}
	p.lending++
	return p.File
}

// giveBack notes whether the process was started. It is the reader then, so the
// end of the writing command closes this end, as it does in os/exec.
func (p *outPipe) giveBack(started bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lending--
	p.lent = p.lent || started
	if p.state == finished || p.lent && p.state >= ended {
		p.finishLocked()
	}
}

// expire does nothing: what is in the pipe is its reader's.
func (p *outPipe) expire() {}

func (p *outPipe) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state != flowing:
	case p.lent || hungUp(p.File):
		p.finishLocked()
	case wake(p.File):
		p.state = ended
	}
}
