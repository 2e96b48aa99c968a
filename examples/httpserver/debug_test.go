//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// debug serves the debug pages until the end of the test, and returns their URL.
func (s *service) debug(t *testing.T) (url string) {
	t.Helper()
	l, err := listenDebug(":0")
	require.NoError(t, err)
	t.Cleanup(s.serveDebug(l))
	return "http://" + l.Addr().String()
}

// get returns a page.
func (s *service) get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := s.client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(page)
}

func TestDebugPage(t *testing.T) {
	name, w := gate(t)
	script := "echo $$; cat " + name + "; echo '<script>&'"
	s := serving(t, script)
	url := s.debug(t) + "/debug/execx"
	_, page := s.get(t, url)
	assert.Contains(t, page, "None.")
	assert.Contains(t, page, "0 of 8 slots")
	assert.NotContains(t, page, "without a command")

	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	out := bufio.NewReader(resp.Body)
	pid, err := out.ReadString('\n')
	require.NoError(t, err)
	_, err = io.WriteString(w, "line\n")
	require.NoError(t, err)
	_, err = out.ReadString('\n')
	require.NoError(t, err)
	var header *http.Response
	proctest.Until(t, func() bool {
		header, page = s.get(t, url)
		return strings.Contains(page, "waited")
	}, "the command is not waited for")
	assert.Equal(t, "text/html; charset=utf-8", header.Header.Get("Content-Type"))
	assert.Contains(t, header.Header.Get("Content-Security-Policy"), "default-src 'none'")
	assert.Regexp(t, `(?s)<td class="number">`+strings.TrimSpace(pid)+`</td>.*`+
		`>[0-9.]+m?s</td>.*<td>waited</td>.*`+
		`/sh -c &#34;echo \$\$; cat .*; echo &#39;&lt;script&gt;&amp;&#39;&#34;</code>.*`+
		`#1 POST <code>/run/script</code>.*from 127\.0\.0\.1:[0-9]+<`, page)
	assert.NotContains(t, page, "<script")
	assert.Contains(t, page, "1 of 8 slots")

	release := s.hold(t)
	_, page = s.get(t, url)
	assert.Regexp(t, `(?s)without a command.*<td>receiving</td>.*#2 POST <code>/run/cat</code>`, page)
	release()
	w.Close()
	s.idle(t)
	_, page = s.get(t, url)
	assert.Contains(t, page, "None.")
	counts := reflect.ValueOf(execx.ReadStats())
	for field, value := range counts.Fields() {
		assert.Contains(t, page, fmt.Sprintf(`<th>%s</th><td class="number">%d</td>`, field.Name, value.Uint()))
	}
}

// The page shows which commands are being ended, and until when the others may continue.
func TestDebugEnding(t *testing.T) {
	s := serving(t, "trap '' TERM; echo $$; exec sleep 1000", func(o *options) { o.drain = time.Hour })
	url := s.debug(t) + "/debug/execx"
	ctx, leave := context.WithCancel(t.Context())
	resp, err := s.request(ctx, "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	leave()
	var page string
	proctest.Until(t, func() bool {
		_, page = s.get(t, url)
		return strings.Contains(page, "ending: the client has gone away")
	}, "the command is not being ended")
	assert.NotContains(t, page, "Shutting down")
	s.first()
	proctest.Until(t, func() bool {
		_, page = s.get(t, url)
		return strings.Contains(page, "Shutting down: requests may finish until ")
	}, "the server does not shut down")
	for _, info := range execx.Live() {
		require.NoError(t, syscall.Kill(info.Pid, syscall.SIGKILL))
	}
	s.stop()
}

// The page also shows a request whose command has ended but whose output is still open.
func TestDebugFinishing(t *testing.T) {
	proctest.NeedsGroupPidfds(t)
	name, w := gate(t)
	s := serving(t, "cat "+name+" &")
	url := s.debug(t) + "/debug/execx"
	_, err := io.WriteString(w, "line\n")
	require.NoError(t, err)
	resp, err := s.request(t.Context(), "script", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	var page string
	proctest.Until(t, func() bool {
		_, page = s.get(t, url)
		return strings.Contains(page, "finishing")
	}, "the command is still running")
	assert.Contains(t, page, "None.")
	assert.Regexp(t, "(?s)without a command.*finishing.*#1 POST", page)
	w.Close() // cat has opened it, because there is a response
	s.idle(t)
}

// The tools server does not serve the debug pages, nor the debug server the tools.
func TestDebugApart(t *testing.T) {
	s := serving(t, "")
	debug := s.debug(t)
	for _, test := range []struct {
		url    string
		status int
	}{
		{"http://" + s.addr + "/debug/execx", http.StatusNotFound},
		{"http://" + s.addr + "/debug/vars", http.StatusNotFound},
		{debug + "/", http.StatusOK},
		{debug + "/debug/vars", http.StatusOK},
		{debug + "/run/cat", http.StatusNotFound},
		{debug + "/debug/pprof/", http.StatusNotFound},
	} {
		resp, _ := s.get(t, test.url)
		assert.Equal(t, test.status, resp.StatusCode, test.url)
	}
}

func TestDebugHost(t *testing.T) {
	s := serving(t, "")
	url := s.debug(t) + "/debug/execx"
	for _, test := range []struct {
		host   string
		status int
	}{
		{"localhost", http.StatusOK},
		{"localhost:9000", http.StatusOK},
		{"127.0.0.1:80", http.StatusOK},
		{"[::1]:80", http.StatusOK},
		{"example.com", http.StatusForbidden},
		{"localhost.evil:1", http.StatusForbidden},
	} {
		r, err := http.NewRequest("GET", url, nil)
		require.NoError(t, err)
		r.Host = test.host
		resp, err := s.client.Do(r)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, test.status, resp.StatusCode, test.host)
	}
}

func TestListenDebug(t *testing.T) {
	s := serving(t, "")
	for _, test := range []struct {
		addr, host string
		open       bool
	}{
		{":0", "127.0.0.1:", false},
		{"127.0.0.1:0", "127.0.0.1:", false},
		{"0.0.0.0:0", "[::]:", true},
	} {
		before := len(s.log.String())
		l, err := listenDebug(test.addr)
		require.NoError(t, err)
		s.serveDebug(l)()
		log := s.log.String()[before:]
		assert.Contains(t, log, `"url":"http://`+test.host, test.addr)
		assert.Equal(t, test.open, strings.Contains(log, "open to other machines"), test.addr)
	}
	for _, addr := range []string{"8081", "127.0.0.1:none"} {
		_, err := listenDebug(addr)
		assert.Error(t, err, addr)
	}
}

func TestLine(t *testing.T) {
	c := &command{CmdInfo: execx.CmdInfo{Args: []string{"/bin/sh", "-c", "echo a", "", "\x1b[31m", "ä", `"`}}}
	assert.Equal(t, `/bin/sh -c "echo a" "" "\x1b[31m" ä "\""`, c.Line())
}
