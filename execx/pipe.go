package execx

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A pipe is this process's end of one that a child has the other end of. Close may block
// as long as a system call is under way that package os has the file wait in, and is called with
// no lock held.
type pipe interface {
	io.Closer
	atExpiry() (closes bool) // is called when WaitDelay expires
	atEnd() (closes bool)    // is called once the child's result is known
}

// copiedPipe is the end that a copying goroutine uses, and closes.
type copiedPipe struct{ *os.File }

func (copiedPipe) atExpiry() bool { return true }
func (copiedPipe) atEnd() bool    { return false }

// copiedPipes returns those of the pipes that a goroutine of this package uses.
func copiedPipes(pipes []pipe) []pipe {
	return slices.DeleteFunc(pipes, func(end pipe) bool {
		_, copied := end.(copiedPipe)
		return !copied
	})
}

// execPipe is what the embedded exec.Cmd has made, which does not outlast the command. So is
// what StdinPipe returned.
type execPipe struct {
	io.Closer
	isStdin bool
}

func (execPipe) atExpiry() bool { return true }
func (execPipe) atEnd() bool    { return true }

// outPipe is what StdoutPipe and StderrPipe return. Once the command has ended, reads
// don't block: they take what is in the pipe.
type outPipe struct {
	*os.File

	reading atomic.Int32 // calls of File's Read, or about to be

	mu       sync.Mutex // guards everything below; File is not closed while it is held
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
	ended                     // the command has: File's deadline has passed, and nobody blocks in it
	measured                  // and it is known what was left in the pipe by then
	finished                  // nothing is left
	shut                      // by Close
)

var _ interface {
	io.ReadCloser
	io.WriterTo
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
} = (*outPipe)(nil)

func (p *outPipe) Read(b []byte) (int, error) {
	p.reading.Add(1) // first, so that whoever ends the flow knows of it
	if !p.flows() {
		p.reading.Add(-1)
		return p.drain(b)
	}
	n, err := p.File.Read(b)
	p.reading.Add(-1)
	switch {
	case err == io.EOF:
		p.finish()
	case p.flows():
	case err != nil:
		return p.drain(b)
	case hungUp(p.File):
		p.finish()
	}
	return n, err
}

// WriteTo implements [io.WriterTo]. That of the file would not know when to stop, and no system
// call that it tries copies from a pipe.
func (p *outPipe) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{p})
}

// drain is Read once the command has ended.
func (p *outPipe) drain(b []byte) (int, error) {
	n, err := p.take(b)
	if err == io.EOF || n > 0 && hungUp(p.File) {
		p.finish()
	}
	return n, err
}

// take reads what is in the pipe, if anything is left of what the command has written.
func (p *outPipe) take(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == shut:
		return 0, &fs.PathError{Op: "read", Path: p.Name(), Err: os.ErrClosed}
	case p.state == finished:
		return 0, io.EOF
	case len(b) == 0:
		return 0, nil
	case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
		return 0, &fs.PathError{Op: "read", Path: p.Name(), Err: os.ErrDeadlineExceeded}
	case p.state == ended: // what is written from now on is not the command's any more
		p.state, p.left = measured, buffered(p.File)
	}
	n, err := readBuffered(p.File, b[:min(len(b), p.left)])
	p.left -= n
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// SetReadDeadline is that of [os.File].
func (p *outPipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == flowing || p.state == shut {
		if err := p.File.SetReadDeadline(t); err != nil {
			return err
		}
	}
	p.deadline = t
	return nil
}

// SetDeadline is that of [os.File].
func (p *outPipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// Close closes the pipe. A process that writes to it after that gets SIGPIPE.
func (p *outPipe) Close() error {
	before := p.turn(shut)
	err := p.closeFile()
	if before == finished {
		return nil
	}
	return err
}

// finish closes the pipe, which has nothing left to read.
func (p *outPipe) finish() {
	p.turn(finished)
	p.closeFile()
}

// turn moves on to the state, unless the pipe is finished or shut, and returns what it
// was before.
func (p *outPipe) turn(to pipeState) (before pipeState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.state
	if before < finished {
		p.state = to
	}
	return before
}

// closeFile closes the file, unless a start that is under way needs it. giveBack closes
// it then.
func (p *outPipe) closeFile() error {
	p.mu.Lock()
	lending := p.lending > 0
	p.mu.Unlock()
	if lending {
		return nil
	}
	return p.File.Close()
}

func (p *outPipe) flows() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state == flowing
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
	p.lending--
	p.lent = p.lent || started
	over := p.state >= finished || p.lent && p.state != flowing
	p.mu.Unlock()
	if over {
		p.finish()
	} else if !started {
		setNonblock(p.File) // os has changed that for the process
	}
}

// atExpiry reports false: what is in the pipe is its reader's.
func (p *outPipe) atExpiry() bool { return false }

func (p *outPipe) atEnd() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state != flowing:
	case p.lent || p.reading.Load() == 0 && hungUp(p.File): // which may wait for a read
		p.state = finished
		return true
	case wake(p.File, &p.reading):
		p.state = ended
	}
	return false
}
