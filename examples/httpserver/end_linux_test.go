package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// family is a script of two processes that run for ever, and first say which. Asked
// to end, the first reaps the second, which the init process would do in its own
// time. The second speaks for itself: before it has become another program, it may
// take the signal for the first.
const (
	family         = reaping + parentAndChild
	reaping        = "trap 'wait; trap - TERM; kill $$' TERM; "
	parentAndChild = "echo $$; sh -c 'echo $$; exec sleep 1000' & wait"
)

// members reads the process numbers of a family.
func members(t *testing.T, out io.Reader) (pids [2]int) {
	t.Helper()
	_, err := fmt.Fscan(out, &pids[0], &pids[1])
	require.NoError(t, err)
	return pids
}

// assertEnded checks that nothing is left of a family.
func assertEnded(t *testing.T, pids [2]int) {
	t.Helper()
	for _, pid := range pids {
		assert.True(t, proctest.Ended(pid), "a process of the group is left")
	}
}

func TestClientGone(t *testing.T) {
	for _, test := range []struct {
		name, script string
		body         func(*testing.T) io.Reader
	}{
		{"no body", family, func(*testing.T) io.Reader { return nil }},
		{"body sent but not read", family, func(*testing.T) io.Reader { return io.LimitReader(zeros{}, 1<<20) }},
		{"body being sent and read", "exec 3<&0; cat <&3 >/dev/null & " + family, unending},
		{"body being sent but not read", family, unending},
		{"output being sent", reaping + "echo $$; sh -c 'echo $$; exec yes' & wait", func(*testing.T) io.Reader { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serving(t, test.script, func(o *options) { o.maxOutput = 1 << 50 })
			ctx, leave := context.WithCancel(t.Context())
			resp, err := s.request(ctx, "script", test.body(t))
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

// What has come of a body is not taken for all of it.
func TestPartOfBody(t *testing.T) {
	script := "trap '' TERM; echo; cat >/dev/null; echo whole >&2"
	s := serving(t, script, func(o *options) { o.grace = 50 * time.Millisecond })
	ctx, leave := context.WithCancel(t.Context())
	resp, err := s.request(ctx, "script", unending(t))
	require.NoError(t, err)
	defer resp.Body.Close()
	leave()
	entry := s.log.next(t)
	assert.Equal(t, "signal: killed", entry.Exit)
	assert.Empty(t, entry.Stderr)
}

// A client that takes no output is not waited for.
func TestClientStalled(t *testing.T) {
	s := serving(t, "exec yes", func(o *options) {
		o.maxOutput = 1 << 50
		o.writeTimeout = 50 * time.Millisecond
	})
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /run/script HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
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
	if len(strings.Fields(entry.Stderr)) == 2 { // else it has not come so far
		assertEnded(t, members(t, strings.NewReader(entry.Stderr)))
	}
}

// The shutdown of the server asks tools to end, and gives them time to.
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

// With no output yet, the client is told to come again.
func TestShutdownBeforeOutput(t *testing.T) {
	s := serving(t, "")
	status := make(chan int, 1)
	go func() {
		resp, err := s.request(t.Context(), "sort", unending(t))
		if assert.NoError(t, err) {
			assert.Equal(t, "1", resp.Header.Get("Retry-After"))
			resp.Body.Close()
			status <- resp.StatusCode
		}
	}()
	proctest.Until(t, func() bool { return len(s.slots) == 1 }, "the tool does not run")
	s.stop()
	got, _ := proctest.Receive(t, status)
	assert.Equal(t, http.StatusServiceUnavailable, got)
}

// A tool that does not want to end is killed.
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

// What a tool leaves behind is ended before the response is complete.
func TestLeftBehind(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	s := serving(t, "sleep 1000 >/dev/null 2>&1 & echo $$ $!")
	resp, out, err := s.post(t, "script", nil)
	require.NoError(t, err)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
	assertEnded(t, members(t, strings.NewReader(out)))
}

// A process that has left the group, and has the output open, is out of reach, but
// is not waited for.
func TestEscaped(t *testing.T) {
	s := serving(t, "echo $$; setsid sh -c 'echo $$; exec sleep 1000' & wait", func(o *options) { o.grace = 50 * time.Millisecond })
	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	pids := members(t, resp.Body)
	defer syscall.Kill(pids[1], syscall.SIGKILL)
	s.stop()
	assert.True(t, proctest.Ended(pids[0]))
	assert.False(t, proctest.Ended(pids[1]))
}
