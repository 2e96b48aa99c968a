package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"go.execx.dev/execx"
)

// A job is one run of a tool for one request.
type job struct {
	*server
	id      uint64 // also in the log
	r       *http.Request
	started time.Time
	pid     atomic.Int64 // PID of the tool, or 0 if it is not started
	w       http.ResponseWriter
	control *http.ResponseController
	ctx     context.Context // done when the tool must end
	out     *output
	stderr  beginning
}

// run receives a request, runs a tool on it, and sends the response.
func (s *server) run(w http.ResponseWriter, r *http.Request, argv []string) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), s.timeout, errTimeout)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)

	control := http.NewResponseController(w)
	j := &job{
		server:  s,
		r:       r,
		started: time.Now(),
		w:       w,
		control: control,
		ctx:     ctx,
		out:     &output{ctx: ctx, end: end, w: w, control: control, left: s.maxOutput, timeout: s.writeTimeout},
		stderr:  beginning{limit: 4 << 10},
	}
	s.jobs.add(j)
	defer s.jobs.remove(j)
	body, err := j.receive(r.Body)
	note(w, slog.Uint64("id", j.id), slog.Int("in", len(body)))
	if err != nil {
		j.cutShort(cmp.Or(j.cut(), err))
		return
	}
	switch err := j.tool(argv, body); {
	case err == nil:
	case j.cut() != nil:
		j.cutShort(j.cut())
	default:
		note(w, slog.Any("err", err))
		control.SetWriteDeadline(time.Now().Add(s.writeTimeout))
		reply(w, http.StatusInternalServerError, "the tool could not be run")
	}
}

// restTime is how long a client may take to send the rest of a rejected request. If the server
// closed the connection with unread data, the client's system would discard what it has received of
// the response.
var restTime = time.Second // changed by tests

// receive reads the whole body, so that no tool gets an incomplete one. Only after that does
// net/http detect that the client has disconnected.
func (j *job) receive(body io.ReadCloser) ([]byte, error) {
	soon := func() { j.control.SetReadDeadline(time.Now().Add(restTime)) }
	j.control.SetReadDeadline(time.Time{})
	defer context.AfterFunc(j.ctx, soon)()
	received, err := io.ReadAll(http.MaxBytesReader(nil, body, j.maxBody))
	if err == nil {
		return received, nil
	}
	j.w.Header().Set("Connection", "close")
	if j.ctx.Err() == nil {
		soon() // net/http reads some of the rest after the response
	}
	return received, fmt.Errorf("reading the request: %w", err)
}

// tool runs the tool on the body, and sends the response unless it returns an error.
func (j *job) tool(argv []string, body []byte) error {
	dir, err := os.MkdirTemp("", "httpserver-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	c := execx.CommandContext(j.ctx, argv[0], argv[1:]...)
	defer c.Close() // kills what remains in any case
	c.KillOnClose = true
	c.KillOnExit = runtime.GOOS == "linux" // not all other systems support it
	c.ProcessGroup = true
	c.GracePeriod = j.grace
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TMPDIR=" + dir}
	c.Stdin = bytes.NewReader(body)
	c.Stdout = j.out
	c.Stderr = &j.stderr
	if err := c.Start(); err != nil {
		return err
	}
	j.pid.Store(int64(c.Process.Pid))
	err = c.Wait()
	cut := j.cut()
	j.endRest(c)

	exit, text := exitOf(c.ProcessState, err), strings.TrimSpace(j.stderr.String())
	note(j.w, slog.String("exit", exit))
	if text != "" {
		note(j.w, slog.String("stderr", text))
	}
	if cut != nil {
		j.cutShort(cut)
	} else {
		j.respond(exit, text)
	}
	return nil
}

// endRest ends the processes that remain in the group of the tool.
func (j *job) endRest(c *execx.Cmd) {
	ctx, cancel := context.WithTimeout(context.Background(), j.grace)
	defer cancel()
	c.Shutdown(ctx)
}

// cut returns the reason why the server ends the tool, or nil if there is none.
func (j *job) cut() error {
	cause := context.Cause(j.ctx)
	if cause != context.Canceled {
		return cause
	}
	// net/http has canceled the context, which it does after any failed write.
	if j.out.err != nil {
		return j.out.err
	}
	return errGone
}
