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

// A pipe is an end in this process of a pipe to a child. Close may block as long as a system call
// is running in which package os waits for the file, and is called without locks.
type pipe interface {
	io.Closer
	atExpiry() (closes bool) // called when WaitDelay has expired; reports whether to close the pipe
	atEnd() (closes bool)    // called once the result is known; reports whether to close the pipe
}

// A copiedPipe is used, and closed, by a copying goroutine.
type copiedPipe struct{ *os.File }

func (copiedPipe) atExpiry() bool { return true }
func (copiedPipe) atEnd() bool    { return false }

// copiedPipes returns the pipes that are used by copying goroutines.
func copiedPipes(pipes []pipe) []pipe {
	return slices.DeleteFunc(pipes, func(end pipe) bool {
		_, copied := end.(copiedPipe)
		return !copied
	})
}

// An execPipe was created by the embedded exec.Cmd, by StdinPipe for example, and is closed at the
// end of the command.
type execPipe struct {
	io.Closer
	isStdin bool
}

func (execPipe) atExpiry() bool { return true }
func (execPipe) atEnd() bool    { return true }

// An outPipe is returned by StdoutPipe and StderrPipe. Once the command has ended, reads return
// what is in the pipe, and don't block.
type outPipe struct {
	*os.File

	reading atomic.Int32 // number of calls of File.Read, including those about to begin

	mu       sync.Mutex // guards everything below; File is not closed while it is held
	state    pipeState
	lending  int       // number of processes being started with it as their standard input
	lent     bool      // such a process was started
	deadline time.Time // of SetReadDeadline
	left     int       // number of bytes that may still be read, if measured
}

// A pipeState is the state of an outPipe.
type pipeState int

const (
	flowing  pipeState = iota // the command has not ended
	ended                     // the command has ended: File's deadline has passed, and no read is blocked
	measured                  // and the number of bytes left in the pipe is known
	finished                  // and nothing is left
	shut                      // closed by Close
)

var _ interface {
	io.ReadCloser
	io.WriterTo
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
} = (*outPipe)(nil)

func (p *outPipe) Read(b []byte) (int, error) {
	p.reading.Add(1) // before flows is called, so that atEnd sees this read
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

// WriteTo implements [io.WriterTo]. That of the file would not stop at the end of the command, and
// none of its system calls can copy from a pipe.
func (p *outPipe) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{p})
}

// drain implements Read once the command has ended.
func (p *outPipe) drain(b []byte) (int, error) {
	n, err := p.take(b)
	if err == io.EOF || n > 0 && hungUp(p.File) {
		p.finish()
	}
	return n, err
}

// take reads what is left in the pipe of the output of the command.
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
	case p.state == ended: // what is written from now on was not written by the command
		p.state, p.left = measured, buffered(p.File)
	}
	n, err := readBuffered(p.File, b[:min(len(b), p.left)])
	p.left -= n
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// SetReadDeadline sets the deadline for reads, as that of [os.File] does.
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

// SetDeadline is like SetReadDeadline.
func (p *outPipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// Close closes the pipe. A process that writes to it after that receives SIGPIPE.
func (p *outPipe) Close() error {
	before := p.setState(shut)
	err := p.closeFile()
	if before == finished {
		return nil
	}
	return err
}

// finish closes the pipe, which is empty and can't be written to any more.
func (p *outPipe) finish() {
	p.setState(finished)
	p.closeFile()
}

// setState sets the state, unless the pipe is finished or shut, and returns the state before.
func (p *outPipe) setState(to pipeState) (before pipeState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.state
	if before < finished {
		p.state = to
	}
	return before
}

// closeFile closes the file, unless it is needed by a process being started; then giveBack closes
// it.
func (p *outPipe) closeFile() error {
	p.mu.Lock()
	lending := p.lending > 0
	p.mu.Unlock()
	if lending {
		return nil
	}
	return p.File.Close()
}

// unreadLocked reports whether no read is in progress, not even by a process being started. On
// Windows, hungUp blocks as long as one is.
func (p *outPipe) unreadLocked() bool { return p.lending == 0 && p.reading.Load() == 0 }

func (p *outPipe) flows() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state == flowing
}

// lend returns the file for a process that is about to be started, or nil if the pipe is finished.
// The caller must call giveBack.
func (p *outPipe) lend() *os.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == finished {
		return nil
	}
	p.lending++
	return p.File
}

// giveBack is called when the process was started, or has failed to. If it was started, it is the
// reader of the pipe, and the end of the writing command closes this process's end, as in os/exec.
func (p *outPipe) giveBack(started bool) {
	p.mu.Lock()
	p.lending--
	p.lent = p.lent || started
	over := p.state >= finished || p.lent && p.state != flowing
	p.mu.Unlock()
	if over {
		p.finish()
	} else if !started {
		setNonblock(p.File) // package os has made it blocking
	}
}

// atExpiry returns false: what is in the pipe can still be read.
func (p *outPipe) atExpiry() bool { return false }

func (p *outPipe) atEnd() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state != flowing:
	case p.lent || p.unreadLocked() && hungUp(p.File):
		p.state = finished
		return true
	case wake(p.File, &p.reading):
		p.state = ended
	}
	return false
}
