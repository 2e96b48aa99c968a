//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// asMain is the environment variable that makes the test binary run the program.
const asMain = "HTTPSERVER_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	restTime = 100 * time.Millisecond
	goleak.VerifyTestMain(proctest.Checked(m))
}

// A service is a server under test, with a client.
type service struct {
	*server
	addr   string
	client *http.Client
	log    *records
	first  func() // has the effect of the first signal
	second func() // has the effect of the second
	stop   func() // calls first and waits; also called at the end of the test
}

// serving starts a server with the tools of the program, cat, and the given shell script as
// "script". At the end of the test, it checks that nothing of the server remains.
func serving(t *testing.T, script string, change ...func(*options)) *service {
	t.Helper()
	proctest.NoLeaks(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	o := options{
		max:          8,
		timeout:      proctest.Deadline,
		grace:        proctest.Deadline,
		maxBody:      8 << 20,
		maxOutput:    8 << 20,
		writeTimeout: proctest.Deadline,
	}
	for _, f := range change {
		f(&o)
	}
	log := new(records)
	logger := slog.New(slog.NewJSONHandler(log, nil))
	offered := installed(logger, map[string][]string{"cat": {"cat"}, "script": {"sh", "-c", script}})
	for name, argv := range installed(logger, tools) {
		offered[name] = argv
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	first, cancelFirst := context.WithCancel(context.Background())
	second, cancelSecond := context.WithCancel(context.Background())
	served := make(chan error, 1)
	s := &service{
		server: newServer(o, offered, logger),
		addr:   l.Addr().String(),
		client: &http.Client{Transport: new(http.Transport)},
		log:    log,
		first:  cancelFirst,
		second: cancelSecond,
	}
	go func() { served <- s.serve(first, second, l) }()
	s.stop = sync.OnceFunc(func() {
		s.first()
		err, _ := proctest.Receive(t, served)
		assert.NoError(t, err)
	})
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		s.stop()
		s.second()
		left, err := os.ReadDir(temp)
		assert.NoError(t, err)
		assert.Empty(t, left, "temporary files")
		assert.Zero(t, execx.Orphans())
	})
	return s
}

// request sends a request to run a tool, and returns when the header of the response has arrived.
func (s *service) request(ctx context.Context, tool string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/run/"+tool, body)
	if err != nil {
		return nil, err
	}
	return s.client.Do(r)
}

// post runs a tool until it has ended.
func (s *service) post(t *testing.T, tool string, body io.Reader) (*http.Response, string, error) {
	t.Helper()
	resp, err := s.request(t.Context(), tool, body)
	require.NoError(t, err)
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp, string(out), err
}

// send sends a request to run the script, ending with rest, which starts in the middle of the
// header. The connection is closed at the end of the test.
func (s *service) send(t *testing.T, rest string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(proctest.Deadline))
	_, err = io.WriteString(conn, "POST /run/script HTTP/1.1\r\nHost: x\r\n"+rest)
	require.NoError(t, err)
	return conn.(*net.TCPConn)
}

// unending returns a body that blocks after the first MiB until the end of the test. No tool is
// started with it.
func unending(t *testing.T) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	go io.CopyN(w, zeros{}, 1<<20)
	return r
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// hold occupies a slot until release is called, by a request for cat whose body is still being
// sent.
func (s *service) hold(t *testing.T) (release func()) {
	t.Helper()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	before := len(s.slots)
	go func() {
		resp, err := s.request(t.Context(), "cat", r)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		ended <- err
	}()
	proctest.Until(t, func() bool { return len(s.slots) > before }, "the request has not arrived")
	return func() {
		w.Close()
		err, _ := proctest.Receive(t, ended)
		require.NoError(t, err)
	}
}

// gate returns the name of a FIFO that a tool can read from. The tool reads what is written to f,
// and EOF once f is closed, but must open the FIFO before that.
func gate(t *testing.T) (name string, f *os.File) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "gate")
	require.NoError(t, exec.Command("mkfifo", name).Run())
	f, err := os.OpenFile(name, os.O_RDWR, 0) // O_RDWR does not wait for a reader
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return name, f
}

// idle waits until no tool is running.
func (s *service) idle(t *testing.T) {
	t.Helper()
	proctest.Until(t, func() bool { return len(s.slots) == 0 }, "a tool still runs")
}

// records is a log that a test can read.
type records struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// next waits for the log line of a request, and discards earlier lines.
func (r *records) next(t *testing.T) (entry struct {
	Msg, Method, Path, Exit, Cut, Stderr string
	Status, In, Out                      int
}) {
	t.Helper()
	proctest.Until(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for entry.Msg != "request" {
			line, err := r.buf.ReadBytes('\n')
			if err != nil {
				return false
			}
			require.NoError(t, json.Unmarshal(line, &entry))
		}
		return true
	}, "no request was logged")
	return entry
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-max", "0"}, {"-timeout", "-1s"}, {"-max-body", "x"}, {"-x"}, {"sort"}} {
		var stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), t.Context(), args, &stderr), args)
		assert.NotEmpty(t, stderr.String(), args)
	}
	var stderr bytes.Buffer
	assert.Zero(t, run(t.Context(), t.Context(), []string{"-h"}, &stderr))
	assert.Contains(t, stderr.String(), "usage: httpserver")
	assert.Equal(t, exitFailed, run(t.Context(), t.Context(), []string{"-addr", "127.0.0.1:none"}, io.Discard))
}

// The server fails if its listener is closed.
func TestServeFails(t *testing.T) {
	proctest.NoLeaks(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	o := options{max: 1, timeout: time.Second, grace: time.Second}
	err = newServer(o, tools, slog.New(slog.DiscardHandler)).serve(t.Context(), t.Context(), l)
	assert.ErrorIs(t, err, net.ErrClosed)
}
