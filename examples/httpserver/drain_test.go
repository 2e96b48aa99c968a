//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// Tools that run and requests that are still being received finish, and nothing else is accepted
// meanwhile.
func TestDrain(t *testing.T) {
	name, w := gate(t)
	s := serving(t, "echo some; exec cat "+name, func(o *options) { o.drain = proctest.Deadline })
	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	out := bufio.NewReader(resp.Body)
	_, err = out.ReadString('\n')
	require.NoError(t, err)
	release := s.hold(t)

	s.first()
	proctest.Until(t, func() bool {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, "connections are accepted")
	for _, r := range []*http.Request{ // on existing connections
		httptest.NewRequest("POST", "/run/cat", nil),
		httptest.NewRequest("GET", "/healthz", nil),
	} {
		rec := httptest.NewRecorder()
		s.handler().ServeHTTP(rec, r)
		assert.Equal(t, http.StatusServiceUnavailable, rec.Code)
		assert.Equal(t, "1", rec.Result().Header.Get("Retry-After"))
		assert.Equal(t, http.StatusServiceUnavailable, s.log.next(t).Status)
	}

	_, err = io.WriteString(w, "more\n")
	require.NoError(t, err)
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "more\n", line)
	w.Close()
	_, err = out.ReadByte()
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
	release()
	s.stop()
	for range 2 {
		entry := s.log.next(t)
		assert.Equal(t, "0", entry.Exit)
		assert.Empty(t, entry.Cut)
	}
}

// Tools that run are ended when the drain time is over, or at the second signal.
func TestDrainOver(t *testing.T) {
	for _, test := range []struct {
		name  string
		drain time.Duration
	}{{"time", 50 * time.Millisecond}, {"signal", time.Hour}} {
		t.Run(test.name, func(t *testing.T) {
			s := serving(t, "echo some; exec sleep 1000", func(o *options) { o.drain = test.drain })
			resp, err := s.request(t.Context(), "script", nil)
			require.NoError(t, err)
			defer resp.Body.Close()
			s.first()
			if test.drain == time.Hour {
				proctest.Until(t, func() bool { return s.until.Load() != nil }, "the server does not shut down")
				assert.Len(t, s.slots, 1)
				s.second()
			}
			s.stop()
			_, err = io.ReadAll(resp.Body)
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.Contains(t, s.log.String(), `"msg":"ending the remaining requests","requests":1`)
			entry := s.log.next(t)
			assert.Equal(t, "signal: terminated", entry.Exit)
			assert.Equal(t, errShutdown.Error(), entry.Cut)
		})
	}
}
