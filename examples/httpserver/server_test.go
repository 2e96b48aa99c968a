//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

func TestTools(t *testing.T) {
	s := serving(t, "")
	for _, test := range []struct{ tool, in, out string }{
		{"cat", "$(id); `id` | id\n", "$(id); `id` | id\n"},
		{"sort", "b\na\n", "a\nb\n"},
		{"base64", "execx", "ZXhlY3g=\n"},
		{"sha256sum", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -\n"},
		{"cat", "", ""},
	} {
		resp, out, err := s.post(t, test.tool, strings.NewReader(test.in))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode, test.tool)
		assert.Equal(t, test.out, out, test.tool)
		assert.Equal(t, "0", resp.Trailer.Get(exitStatus), test.tool)

		entry := s.log.next(t)
		assert.Equal(t, "POST", entry.Method)
		assert.Equal(t, "/run/"+test.tool, entry.Path)
		assert.Equal(t, http.StatusOK, entry.Status)
		assert.Equal(t, len(test.in), entry.In)
		assert.Equal(t, len(test.out), entry.Out)
		assert.Equal(t, "0", entry.Exit)
		assert.Empty(t, entry.Cut)
	}

	text := strings.Repeat("there and back\n", 100_000)
	_, packed, err := s.post(t, "gzip", strings.NewReader(text))
	require.NoError(t, err)
	_, out, err := s.post(t, "gunzip", strings.NewReader(packed))
	require.NoError(t, err)
	assert.True(t, out == text)
}

// Output arrives while the tool is running.
func TestStreaming(t *testing.T) {
	name, w := gate(t)
	s := serving(t, "exec cat "+name)
	_, err := io.WriteString(w, "one\n")
	require.NoError(t, err)
	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	out := bufio.NewReader(resp.Body)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if line != "one\n" {
			_, err = io.WriteString(w, line)
			require.NoError(t, err)
		}
		got, err := out.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, line, got)
	}
	w.Close()
	_, err = out.ReadByte()
	assert.Equal(t, io.EOF, err)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
}

// The write timeout applies to each write, not to the whole response.
func TestSlowOutput(t *testing.T) {
	s := serving(t, "echo one; sleep 0.6; echo two", func(o *options) { o.writeTimeout = 500 * time.Millisecond })
	resp, out, err := s.post(t, "script", nil)
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\n", out)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
}

func TestRouting(t *testing.T) {
	s := serving(t, "")
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/healthz", http.StatusOK},
		{"GET", "/run/cat", http.StatusMethodNotAllowed},
		{"POST", "/run/", http.StatusNotFound},
		{"POST", "/run/id", http.StatusNotFound},
		{"POST", "/run/cat;id", http.StatusNotFound},
		{"POST", "/run/cat%20-n", http.StatusNotFound},
		{"POST", "/run/..%2Fbin%2Fid", http.StatusNotFound},
	} {
		r, err := http.NewRequest(test.method, "http://"+s.addr+test.path, nil)
		require.NoError(t, err)
		resp, err := s.client.Do(r)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, test.status, resp.StatusCode, test.path)
		entry := s.log.next(t)
		assert.Equal(t, test.status, entry.Status)
		assert.Empty(t, entry.Exit)
	}
}

func TestBusy(t *testing.T) {
	s := serving(t, "", func(o *options) { o.max = 2 })
	first, second := s.hold(t), s.hold(t)
	resp, out, err := s.post(t, "cat", strings.NewReader("x"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	assert.Equal(t, "1", resp.Header.Get("Retry-After"))
	assert.Equal(t, "too many tools are running\n", out)

	healthy, err := s.client.Get("http://" + s.addr + "/healthz")
	require.NoError(t, err)
	healthy.Body.Close()
	assert.Equal(t, http.StatusOK, healthy.StatusCode)

	first()
	resp, out, err = s.post(t, "cat", strings.NewReader("x"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "x", out)
	second()
}

func TestFailure(t *testing.T) {
	for _, test := range []struct {
		script string
		status int
		exit   string
		out    string
	}{
		{"echo bad input >&2; exit 3", http.StatusUnprocessableEntity, "3", "bad input\n"},
		{"exit 3", http.StatusUnprocessableEntity, "3", "the tool has failed\n"},
		{"kill -KILL $$", http.StatusInternalServerError, "signal: killed", "the tool has failed\n"},
		{"echo some; echo bad >&2; exit 3", http.StatusOK, "3", "some\n"},
		{"echo some; kill -KILL $$", http.StatusOK, "signal: killed", "some\n"},
	} {
		t.Run(test.script, func(t *testing.T) {
			s := serving(t, test.script)
			resp, out, err := s.post(t, "script", strings.NewReader("input"))
			require.NoError(t, err)
			assert.Equal(t, test.status, resp.StatusCode)
			assert.Equal(t, test.out, out)
			exit := resp.Header
			if test.status == http.StatusOK {
				exit = resp.Trailer
			}
			assert.Equal(t, test.exit, exit.Get(exitStatus))
			assert.Equal(t, test.exit, s.log.next(t).Exit)
		})
	}
}

func TestNotStarted(t *testing.T) {
	s := serving(t, "")
	s.tools["gone"] = []string{"/no/such/tool"}
	resp, out, err := s.post(t, "gone", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "the tool could not be run\n", out)
}

func TestBodySize(t *testing.T) {
	const size = 1 << 20
	s := serving(t, "", func(o *options) { o.maxBody = size })
	for _, test := range []struct {
		size   int
		status int
	}{
		{size, http.StatusOK},
		{size + 1, http.StatusRequestEntityTooLarge},
		{4 * size, http.StatusRequestEntityTooLarge},
	} {
		text := bytes.Repeat([]byte("x"), test.size)
		for _, body := range []io.Reader{bytes.NewReader(text), io.MultiReader(bytes.NewReader(text))} {
			resp, _, err := s.post(t, "sha256sum", body)
			require.NoError(t, err)
			assert.Equal(t, test.status, resp.StatusCode)
		}
	}
}

func TestOutputSize(t *testing.T) {
	const size = 100_000
	limit := func(o *options) { o.maxOutput = size }
	s := serving(t, "", limit)
	text := strings.Repeat("x", size)
	resp, out, err := s.post(t, "cat", strings.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, text, out)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
	s.log.next(t)

	resp, out, err = s.post(t, "cat", strings.NewReader(text+"x"))
	require.NoError(t, err)
	assert.Len(t, out, size)
	assert.Equal(t, "output too large", resp.Trailer.Get(exitStatus))
	entry := s.log.next(t)
	assert.Equal(t, size, entry.Out)
	assert.Equal(t, errOutputTooLarge.Error(), entry.Cut)
}

// The directory of a tool is its own and empty, and is removed before the response is complete.
func TestDirectory(t *testing.T) {
	s := serving(t, `set -e; [ -z "$(ls -A)" ]; [ "$PWD" -ef "$TMPDIR" ]; touch "$(mktemp)" here; env`)
	t.Setenv("SECRET", "of the server")
	resp, out, err := s.post(t, "script", nil)
	require.NoError(t, err)
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
	assert.NotContains(t, out, "SECRET")
}

// A tool that does not read its input has not failed.
func TestUnreadBody(t *testing.T) {
	s := serving(t, "echo some")
	for range 10 {
		resp, out, err := s.post(t, "script", io.LimitReader(zeros{}, 4<<20))
		require.NoError(t, err)
		assert.Equal(t, "some\n", out)
		assert.Equal(t, "0", resp.Trailer.Get(exitStatus))
	}
}

// The unread rest of a body is never parsed as a request.
func TestRestOfBody(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
	}{
		{"malformed", "Transfer-Encoding: chunked\r\n\r\n2\r\nb\n\r\nno chunk\r\n", http.StatusBadRequest},
		{"late", "Content-Length: 50\r\n\r\nb\n", http.StatusGatewayTimeout},
		{"too large", "Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + strings.Repeat("x", 500_000), http.StatusRequestEntityTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serving(t, "", func(o *options) {
				o.maxBody = 100
				if test.status == http.StatusGatewayTimeout {
					o.timeout = 50 * time.Millisecond
				}
			})
			conn := s.send(t, test.body)
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			assert.Equal(t, test.status, resp.StatusCode)
			assert.True(t, resp.Close)
			io.Copy(io.Discard, resp.Body)
			io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			rest, _ := io.ReadAll(r)
			assert.Empty(t, rest)
			assert.Equal(t, "/run/script", s.log.next(t).Path)
			s.stop()
			assert.NotContains(t, s.log.String(), "healthz")
		})
	}
}

// Some clients send the body only after a 100 Continue, as curl does with a large one.
func TestExpectContinue(t *testing.T) {
	s := serving(t, "", func(o *options) { o.max = 1 })
	s.client.Transport.(*http.Transport).ExpectContinueTimeout = proctest.Deadline
	send := func(body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/run/cat", body)
		require.NoError(t, err)
		r.Header.Set("Expect", "100-continue")
		resp, err := s.client.Do(r)
		require.NoError(t, err)
		return resp
	}
	resp := send(strings.NewReader("some"))
	out, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, "some", string(out))

	release := s.hold(t)
	unread := strings.NewReader("some")
	resp = send(unread)
	resp.Body.Close()
	assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	assert.Equal(t, 4, unread.Len())
	release()
}
