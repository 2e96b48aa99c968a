package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"go.execx.dev/execx"
)

// A job is one tool at work on one request.
type job struct {
	*server
	w       http.ResponseWriter
	control *http.ResponseController

	ctx context.Context         // done when the tool is to be ended
	end context.CancelCauseFunc // says why

	cmd    *execx.Cmd
	in     *inbox // from the body to standard input
	out    *output
	stderr beginning

	received chan struct{} // closed when the body was read, to its end or not
	whole    bool          // to its end; valid once received is closed
}

// run runs a tool and sends the response.
func (s *server) run(w http.ResponseWriter, r *http.Request, argv []string) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), s.timeout, errTimeout)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)

	control := http.NewResponseController(w)
	j := &job{
		server:   s,
		w:        w,
		control:  control,
		ctx:      ctx,
		end:      end,
		cmd:      execx.Command(argv[0], argv[1:]...),
		in:       newInbox(),
		out:      &output{ctx: ctx, w: w, control: control, left: s.maxOutput, timeout: s.writeTimeout},
		stderr:   beginning{limit: 4 << 10},
		received: make(chan struct{}),
	}
	j.out.begin = j.begin

	dir, err := os.MkdirTemp("", "httpserver-")
	if err == nil {
		defer os.RemoveAll(dir)
		defer j.cmd.Close() // kills what is left, whatever happens
		err = j.tool(dir, r.Body)
	}
	if err != nil {
		note(w, slog.Any("err", err))
		reply(w, http.StatusInternalServerError, "the tool could not be run")
	}
}

// tool runs the tool in dir, and sends the response unless it returns an error.
func (j *job) tool(dir string, body io.ReadCloser) error {
	j.cmd.Dir = dir
	j.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TMPDIR=" + dir}
	j.cmd.Stderr = &j.stderr
	j.cmd.ProcessGroup = processGroups
	j.cmd.KillOnClose = true
	j.cmd.WaitDelay = j.grace // for a process that has left the group and kept a pipe
	stdin, err := j.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := j.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := j.cmd.Start(); err != nil {
		return err
	}
	// From here on, output may be sent while the body is being read, which is not
	// what net/http expects.
	if err := j.control.EnableFullDuplex(); err != nil {
		return err
	}

	var input sync.WaitGroup
	defer input.Wait()
	input.Go(func() { j.receive(body) })
	input.Go(func() { j.feed(stdin) })
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		j.send(stdout)
	}()

	select {
	case <-sent: // all that there will be
		j.cmd.WaitContext(j.ctx)
	case <-j.ctx.Done():
	}
	cut := j.cut()
	err = j.shutdown()
	<-sent
	if cut == errGone && j.out.err != nil {
		cut = j.out.err // net/http takes any failed write for that
	}
	j.in.close(io.ErrClosedPipe)
	j.respond(cut, err)
	return nil
}

// cut returns why the tool is ended, or nil if it has ended by itself.
func (j *job) cut() error {
	cause := context.Cause(j.ctx)
	if cause == context.Canceled { // by net/http
		return errGone
	}
	return cause
}

// shutdown ends what is left of the tool's group, and returns the result of the
// tool.
func (j *job) shutdown() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(j.ctx), j.grace)
	defer cancel()
	return j.cmd.Shutdown(ctx)
}

// receive reads the body to its end.
func (j *job) receive(body io.ReadCloser) {
	defer close(j.received)
	_, err := io.Copy(j.in, http.MaxBytesReader(nil, body, j.maxBody))
	if err == nil {
		j.whole = true
		j.in.close(io.EOF)
		return
	}
	j.end(fmt.Errorf("reading the request: %w", err))
	j.in.close(err)
	io.Copy(io.Discard, body) // see linger
}

// feed writes what was received to the tool. After an error the tool is not to
// take what it has got for all.
func (j *job) feed(stdin io.WriteCloser) {
	if _, err := io.Copy(stdin, j.in); err == nil {
		stdin.Close()
	}
}

// send sends the output to the client. If that is not possible it ends the tool.
func (j *job) send(stdout io.Reader) {
	if _, err := io.Copy(j.out, stdout); err != nil {
		j.end(err)
		io.Copy(io.Discard, stdout) // what the tool writes as it ends
	}
}
