//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// A program is httpserver, running in a process of its own.
type program struct {
	*service
	*execx.Cmd
	log *records
}

// start starts the program with additional arguments. It has ended at the end of the test.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	proctest.NoLeaks(t)
	self, err := os.Executable()
	require.NoError(t, err)
	log := new(records)
	c := execx.Command(self, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+t.TempDir())
	c.Stderr = log
	c.KillOnClose = true
	require.NoError(t, c.Start())
	p := &program{&service{client: &http.Client{Transport: new(http.Transport)}}, c, log}
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		c.Close()
		c.Wait()
	})
	p.addr = p.logged(t, "msg=listening addr=")
	return p
}

// logged waits for text in the log, and returns the rest of its line.
func (p *program) logged(t *testing.T, text string) (rest string) {
	t.Helper()
	proctest.Until(t, func() bool {
		_, after, _ := strings.Cut(p.log.String(), text)
		var ok bool
		rest, _, ok = strings.Cut(after, "\n")
		return ok
	}, "not logged: "+text)
	return rest
}

// The program serves requests until SIGTERM, which also ends the tool that is running.
func TestProgram(t *testing.T) {
	p := start(t)
	resp, out, err := p.post(t, "wc", strings.NewReader("one two\n"))
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2", "8"}, strings.Fields(out))
	assert.Equal(t, "0", resp.Trailer.Get(exitStatus))

	// More than fits into the buffers on the way to a client that does not read it.
	packed := new(bytes.Buffer)
	w := gzip.NewWriter(packed)
	io.CopyN(w, zeros{}, 20<<20)
	w.Close()
	resp, err = p.request(t.Context(), "gunzip", packed)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, p.Signal(syscall.SIGTERM))
	_, err = io.Copy(io.Discard, resp.Body)
	assert.Error(t, err)
	require.NoError(t, p.Wait(), p.log)
	assert.Contains(t, p.log.String(), `exit="signal: terminated" cut="the server is shutting down"`)
}
