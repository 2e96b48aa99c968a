package execx

import (
	"io"
	"io/fs"
	"os"
	"slices"
)

// stdio is the standard input, output and error of a process being started, and the goroutines that
// copy for it.
//
// os/exec is not used for that: its goroutines can only be ended by exec.Cmd.Wait, which blocks,
// and the one for input keeps the Cmd reachable.
type stdio struct {
	stdin          io.Reader // an *os.File
	stdout, stderr io.Writer // an *os.File each

	theirs []*os.File // files that only the process needs: its ends of pipes, and the null device
	ours   []*os.File // our ends of the pipes
	copies []copying

	null *os.File // the null device, open for writing, or nil
	lent *outPipe // the standard input, if it is a pipe of another command

	room [3]*os.File // backs theirs
}

// A copying copies from or to a pipe, and closes our end of it when it is done. It hides the
// methods of os.File that would choose other system calls: those that wait for the other side make
// Close block.
type copying struct {
	fromStdin bool
	run       func() error
}

// A stringWriter takes a string without a copy of it, which matters for a long one that
// strings.NewReader reads.
type stringWriter interface {
	io.Writer
	io.StringWriter
}

// open creates a pipe for each of c.Stdin, c.Stdout and c.Stderr that is neither nil nor a file.
// The caller must call close, unless there is an error.
func (s *stdio) open(c *Cmd) error {
	s.theirs = s.room[:0]
	err := s.connect(c)
	if err != nil {
		s.close(false)
	}
	return err
}

func (s *stdio) connect(c *Cmd) (err error) {
	if s.stdin, err = s.reader(c.Stdin); err != nil {
		return err
	}
	if s.stdout, err = s.writer(c.Stdout); err != nil {
		return err
	}
	if c.Stderr != nil && equal(c.Stderr, c.Stdout) {
		s.stderr = s.stdout
		return nil
	}
	s.stderr, err = s.writer(c.Stderr)
	return err
}

func (s *stdio) reader(r io.Reader) (io.Reader, error) {
	switch r := r.(type) {
	case nil:
		return s.openNull(os.O_RDONLY)
	case *os.File:
		return r, nil
	case *outPipe:
		if f := r.lend(); f != nil {
			s.lent = r
			return f, nil
		}
		return s.openNull(os.O_RDONLY) // the pipe was read to its end
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.theirs = append(s.theirs, pr)
	s.ours = append(s.ours, pw)
	s.copies = append(s.copies, copying{fromStdin: true, run: func() error {
		_, err := io.Copy(struct{ stringWriter }{pw}, r)
		if isBrokenPipe(err) {
			err = nil // the process was not interested in the rest
		}
		if closeErr := pw.Close(); err == nil {
			err = closeErr
		}
		return err
	}})
	return pr, nil
}

func (s *stdio) writer(w io.Writer) (io.Writer, error) {
	switch w := w.(type) {
	case nil:
		var err error
		if s.null == nil {
			s.null, err = s.openNull(os.O_WRONLY)
		}
		return s.null, err
	case *os.File:
		return w, nil
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.theirs = append(s.theirs, pw)
	s.ours = append(s.ours, pr)
	s.copies = append(s.copies, copying{run: func() error {
		_, err := io.Copy(w, struct{ io.Reader }{pr})
		pr.Close()
		return err
	}})
	return pw, nil
}

// openNull opens the null device. Since a process must not be able to write to a nil Stdin, it is
// opened once for reading and once for writing. As in os/exec it is opened for each process: a
// process could lock or change a shared one, and the path may lead to another file by now.
func (s *stdio) openNull(flag int) (*os.File, error) {
	f, err := openNull(flag)
	if err == nil {
		s.theirs = append(s.theirs, f)
	}
	return f, err
}

// isBrokenPipe reports whether err is that of writing to a standard input that is not read any
// more. An error of reading from Stdin does not count.
func isBrokenPipe(err error) bool {
	pe, ok := err.(*fs.PathError)
	return ok && pe.Op == "write" && pe.Path == "|1" && isBrokenPipeErrno(pe.Err)
}

// equal reports whether a and b are the same writer. Writers of a type that can't be compared are
// not.
func equal(a, b io.Writer) bool {
	defer func() { recover() }()
	return a == b
}

// close closes the files that the process has inherited, or all files if it was not started.
func (s *stdio) close(started bool) {
	if s.lent != nil {
		s.lent.giveBack(started)
	}
	for _, f := range s.theirs {
		f.Close()
	}
	if !started {
		for _, f := range s.ours {
			f.Close()
		}
	}
}

// attach gives our ends of the pipes to p, and the number of goroutines that will copy.
func (s *stdio) attach(p *child) {
	for _, f := range s.ours {
		p.pipes = append(p.pipes, copiedPipe{f})
	}
	p.copying = int32(len(s.copies))
	if slices.ContainsFunc(s.copies, func(c copying) bool { return c.fromStdin }) {
		p.stdin = stdinCopying
	}
}
