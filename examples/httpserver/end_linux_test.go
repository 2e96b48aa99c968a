package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// family is a script of two processes that write their PIDs and then run forever. On SIGTERM, the
// first reaps the second; otherwise the init process would do it at some later time. The second
// writes its own PID: before it has executed another program, it could handle the signal as the
// first does.
const (
	family         = reaping + parentAndChild
	reaping        = "trap 'wait; trap - TERM; kill $$' TERM; "
	parentAndChild = "echo $$; sh -c 'echo $$; exec sleep 1000' & wait"
)

// members reads the PIDs of a family.
func members(t *testing.T, out io.Reader) (pids [2]int) {
	t.Helper()
	_, err := fmt.Fscan(out, &pids[0], &pids[1])
	require.NoError(t, err)
	return pids
}

// assertEnded checks that no process of a family remains.
func assertEnded(t *testing.T, pids [2]int) {
	t.Helper()
	for _, pid := range pids {
		assert.True(t, proctest.Ended(pid), "a process of the group is left")
	}
}

func TestClientGone(t *testing.T) {
	mib := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name, script string
		body         io.Reader
	}{
		{"no body", family, nil},
		{"body not read", family, strings.NewReader(mib)},
		{"body read", "cat >/dev/null; " + family, strings.NewReader(mib)},
		{"output being sent", reaping + "echo $$; sh -c 'echo $$; exec yes' & wait", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serving(t, test.script, func(o *options) { o.maxOutput = 1 << 50 })
			ctx, leave := context.WithCancel(t.Context())
			resp, err := s.request(ctx, "script", test.body)
			require.NoError(t, err)
			defer resp.Body.Close()
			pids := members(t, bufio.NewReader(resp.Body))
			leave()
			s.idle(t)
			assertEnded(t, pids)
			assert.Contains(t, s.log.next(t).Cut, errGone.Error())
		})
	}
}

// If the client disconnects, a tree of three generations of processes ends. The youngest
// generation, two of them, or all ignore SIGTERM.
func TestTree(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "tree")
	require.NoError(t, os.WriteFile(tree, []byte(`
[ "$1" -ge "$2" ] && trap '' TERM
echo $$
[ "$1" -eq 3 ] && exec sleep 1000
sh "$0" $(($1 + 1)) "$2" & wait
`), 0o600))
	for stubborn := 3; stubborn > 0; stubborn-- {
		s := serving(t, fmt.Sprintf("exec sh %s 1 %d", tree, stubborn), func(o *options) { o.grace = 50 * time.Millisecond })
		ctx, leave := context.WithCancel(t.Context())
		resp, err := s.request(ctx, "script", strings.NewReader("input"))
		require.NoError(t, err)
		defer resp.Body.Close()
		var pids [3]int
		_, err = fmt.Fscan(bufio.NewReader(resp.Body), &pids[0], &pids[1], &pids[2])
		require.NoError(t, err)
		leave()
		entry := s.log.next(t)
		assert.Equal(t, errGone.Error(), entry.Cut)
		for _, pid := range pids {
			assert.True(t, proctest.Ended(pid))
		}
	}
}

// No tool is started with an incomplete body, whatever the reason that the rest is missing.
func TestPartOfBody(t *testing.T) {
	for _, test := range []struct {
		name   string
		happen func(*testing.T, *service, *net.TCPConn)
		status int
		cut    string
	}{
		{"client gone", func(_ *testing.T, _ *service, c *net.TCPConn) { c.Close() }, 499, errGone.Error()},
		{"connection reset", func(_ *testing.T, _ *service, c *net.TCPConn) { c.SetLinger(0); c.Close() }, 499, errGone.Error()},
		{"end of file", func(_ *testing.T, _ *service, c *net.TCPConn) { c.CloseWrite() }, 499, errGone.Error()},
		{"malformed", func(_ *testing.T, _ *service, c *net.TCPConn) { io.WriteString(c, "no chunk\r\n") }, http.StatusBadRequest, "reading the request: "},
		{"too large", func(_ *testing.T, _ *service, c *net.TCPConn) { io.WriteString(c, "6\r\n-thing") }, http.StatusRequestEntityTooLarge, "too large"},
		{"time over", func(*testing.T, *service, *net.TCPConn) {}, http.StatusGatewayTimeout, errTimeout.Error()},
		{"shutdown", func(_ *testing.T, s *service, _ *net.TCPConn) { s.stop() }, http.StatusServiceUnavailable, errShutdown.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			started := filepath.Join(t.TempDir(), "started")
			s := serving(t, "touch "+started, func(o *options) {
				o.maxBody = 10
				if test.status == http.StatusGatewayTimeout {
					o.timeout = 200 * time.Millisecond
				}
			})
			conn := s.send(t, "Transfer-Encoding: chunked\r\n\r\n5\r\nsome\n\r\n")
			proctest.Until(t, func() bool { return len(s.slots) == 1 || test.status == http.StatusGatewayTimeout }, "the request has not arrived")
			test.happen(t, s, conn)
			entry := s.log.next(t)
			assert.Equal(t, test.status, entry.Status)
			assert.LessOrEqual(t, entry.In, 10) // the body is longer
			assert.Contains(t, entry.Cut, test.cut)
			assert.Empty(t, entry.Exit)
			assert.NoFileExists(t, started)
		})
	}
}

// The server does not wait for a client that reads no output.
func TestClientStalled(t *testing.T) {
	s := serving(t, "exec yes", func(o *options) {
		o.maxOutput = 1 << 50
		o.writeTimeout = 50 * time.Millisecond
	})
	s.send(t, "\r\n")
	entry := s.log.next(t)
	assert.Equal(t, errStalled.Error(), entry.Cut)
	assert.Equal(t, "signal: terminated", entry.Exit)
}

func TestTimeout(t *testing.T) {
	s := serving(t, "exec >&2; "+family, func(o *options) { o.timeout = 500 * time.Millisecond })
	resp, out, err := s.post(t, "script", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusGatewayTimeout, resp.StatusCode)
	assert.Equal(t, errTimeout.Error()+"\n", out)
	entry := s.log.next(t)
	assert.Equal(t, "signal: terminated", entry.Exit)
	assert.Equal(t, errTimeout.Error(), entry.Cut)
	if len(strings.Fields(entry.Stderr)) == 2 { // otherwise it was ended before it wrote its PIDs
		assertEnded(t, members(t, strings.NewReader(entry.Stderr)))
	}
}

// If there is output, the trailer reports the timeout, however the tool handles SIGTERM.
func TestTimeoutAfterOutput(t *testing.T) {
	for _, test := range []struct{ script, exit string }{
		{"echo some; exec sleep 1000", "signal: terminated"},
		{"trap 'kill $!; exit 0' TERM; echo some; sleep 1000 & wait", "0"},
	} {
		t.Run(test.exit, func(t *testing.T) {
			resp, out := &http.Response{StatusCode: http.StatusGatewayTimeout}, ""
			var s *service
			for timeout := 250 * time.Millisecond; resp.StatusCode == http.StatusGatewayTimeout; timeout *= 2 { // until there is output
				var err error
				s = serving(t, test.script, func(o *options) { o.timeout = timeout })
				resp, out, err = s.post(t, "script", nil)
				require.NoError(t, err)
			}
			assert.Equal(t, "some\n", out)
			assert.Equal(t, "timed out", resp.Trailer.Get(exitStatus))
			entry := s.log.next(t)
			assert.Equal(t, test.exit, entry.Exit)
			assert.Equal(t, "timed out", entry.Cut)
		})
	}
}

// The shutdown of the server sends SIGTERM to the tools, and gives them time to end.
func TestShutdown(t *testing.T) {
	s := serving(t, "trap 'wait; echo bye >&2; exit 7' TERM; "+parentAndChild)
	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	pids := members(t, resp.Body)
	s.stop()
	assertEnded(t, pids)
	_, err = io.ReadAll(resp.Body)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	entry := s.log.next(t)
	assert.Equal(t, "7", entry.Exit)
	assert.Equal(t, "bye", entry.Stderr)
	assert.Equal(t, errShutdown.Error(), entry.Cut)
	_, err = s.request(t.Context(), "cat", nil)
	assert.Error(t, err)
}

// If there is no output yet, the response tells the client to retry.
func TestShutdownBeforeOutput(t *testing.T) {
	for _, runs := range []int{0, 1} {
		t.Run(fmt.Sprintf("%d tools", runs), func(t *testing.T) {
			s := serving(t, "exec sleep 1000")
			var body io.Reader
			if runs == 0 {
				body = unending(t)
			}
			status := make(chan int, 1)
			go func() {
				resp, err := s.request(t.Context(), "script", body)
				if assert.NoError(t, err) {
					assert.Equal(t, "1", resp.Header.Get("Retry-After"))
					resp.Body.Close()
					status <- resp.StatusCode
				}
			}()
			proctest.Until(t, func() bool {
				return len(s.slots) == 1 && len(proctest.Children()) == runs
			}, "the request has not arrived")
			s.stop()
			got, _ := proctest.Receive(t, status)
			assert.Equal(t, http.StatusServiceUnavailable, got)
		})
	}
}

// A tool that ignores SIGTERM is killed.
func TestStubborn(t *testing.T) {
	s := serving(t, "trap '' TERM; "+parentAndChild, func(o *options) { o.grace = 50 * time.Millisecond })
	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	pids := members(t, resp.Body)
	s.stop()
	assertEnded(t, pids)
	assert.Equal(t, "signal: killed", s.log.next(t).Exit)
}

// Processes that a tool leaves behind are ended before the response is complete.
func TestLeftBehind(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	s := serving(t, "sleep 1000 >/dev/null 2>&1 & echo $$ $!")
	resp, out, err := s.post(t, "script", nil)
	require.NoError(t, err)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
	assertEnded(t, members(t, strings.NewReader(out)))
}

// A process that has left the group and has the output open survives, but the server does not wait
// for it.
func TestEscaped(t *testing.T) {
	proctest.Slow(t)
	for _, rest := range []string{"wait", "exit"} {
		t.Run(rest, func(t *testing.T) {
			s := serving(t, "echo $$; setsid sh -c 'echo $$; exec sleep 1000' & "+rest, func(o *options) { o.grace = 50 * time.Millisecond })
			resp, err := s.request(t.Context(), "script", nil)
			require.NoError(t, err)
			defer resp.Body.Close()
			pids := members(t, resp.Body)
			defer syscall.Kill(pids[1], syscall.SIGKILL)
			s.stop()
			assert.True(t, proctest.Ended(pids[0]))
			assert.False(t, proctest.Ended(pids[1]))
			assert.Equal(t, errShutdown.Error(), s.log.next(t).Cut)
		})
	}
}
