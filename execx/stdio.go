package execx

import (
	"io"
	"io/fs"
	"os"
	"slices"
)

// stdio is the standard input, output and error of a process about to be
// started, and the goroutines that will copy for it.
//
// They are not left to os/exec because its goroutines are out of reach: they end
// in exec.Cmd.Wait alone, which blocks, and the one for input keeps hold of
// the Cmd.
type stdio struct {
	stdin          io.Reader // an *os.File
	stdout, stderr io.Writer // an *os.File each

	theirs []*os.File // what is only for the process: the ends of pipes, and the null device
	ours   []*os.File // the other ends
	copies []copying

	null *os.File // for writing, or nil
	lent *outPipe // another command's, if it is the standard input

	room [3]*os.File // for theirs
}

// A copying is from or to a pipe, and closes our end of it when it is done. It does not let
// os.File choose the system call: one that waits for the other side keeps Close waiting.
type copying struct {
	fromStdin bool
	run       func() error
}

// open makes a pipe for each of c's Stdin, Stdout and Stderr that is neither
// nil nor a file. The caller closes what s holds, also after an error.
func (s *stdio) open(c *Cmd) (err error) {
	s.theirs = s.room[:0]
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
		return s.openNull(os.O_RDONLY) // it was read to its end
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.theirs = append(s.theirs, pr)
	s.ours = append(s.ours, pw)
	s.copies = append(s.copies, copying{fromStdin: true, run: func() error {
		_, err := io.Copy(struct{ io.Writer }{pw}, r)
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

// openNull opens the null device. It is two files because a process can tell: it cannot
// write to a nil Stdin. It is opened for each process, as os/exec does: what is shared, a
// child can lock or change for others, and it may be another file by now.
func (s *stdio) openNull(flag int) (*os.File, error) {
	f, err := openNull(flag)
	if err == nil {
		s.theirs = append(s.theirs, f)
	}
	return f, err
}

// isBrokenPipe reports whether err means that nobody reads the standard input
// any longer. A failed read from the source of the input does not count.
func isBrokenPipe(err error) bool {
	pe, ok := err.(*fs.PathError)
	return ok && pe.Op == "write" && pe.Path == "|1" && isBrokenPipeErrno(pe.Err)
}

// equal reports whether a and b are the same writer. Writers of a type that
// cannot be compared are not.
func equal(a, b io.Writer) bool {
	defer func() { recover() }()
	return a == b
}

// close closes the ends that the process has inherited by now, or all of them if
// it was not started.
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

// attach hands our ends of the pipes over to the started p, and tells it of the copying that
// is to be done in goroutines.
func (s *stdio) attach(p *child) {
	for _, f := range s.ours {
		p.pipes = append(p.pipes, copiedPipe{f})
	}
	p.copying = int32(len(s.copies))
	if slices.ContainsFunc(s.copies, func(c copying) bool { return c.fromStdin }) {
		p.stdin = stdinCopying
	}
}
