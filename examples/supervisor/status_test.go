//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// status returns what -status prints.
func status(socket string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(signals{}, []string{"-status", "-socket", socket, "conf"}, &out, &errs)
	return code, out.String(), errs.String()
}

func TestStatus(t *testing.T) {
	socket := filepath.Join(proctest.TempDir(t), "socket")
	c := begin(t, `
		a:       sleep 600
		waits:   sh -c "exit 3"
		missing: ./no/such
		stops:   `+stubborn, "-socket", socket, "-delay", "1h", "-max-delay", "1h")
	c.stderr.await(t, 2, "again in")
	c.stdout.await(t, 1, "ready")
	kill(t, c.stderr.String(), "a")
	c.stderr.await(t, 3, "again in")
	c.write(t, "a: sleep 601\nwaits: sh -c \"exit 3\"\nmissing: ./no/such\nstops: false")
	c.reload()
	c.stderr.await(t, 2, "a: started")
	c.stdout.await(t, 1, "never")

	code, out, _ := status(socket)
	assert.Zero(t, code)
	const date = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
	assert.Regexp(t, `^supervisor: process \d+ since `+date+`
NAME     STATE     PID +SINCE                RESTARTS  LAST EXIT
a        running   `+starts(c.stderr.String(), "a")[1]+` +`+date+`  1         signal: killed
waits    waiting   - +`+date+`  0         exit status 3
missing  waiting   - +`+date+`  0         fork/exec ./no/such: no such file or directory
stops    stopping  `+starts(c.stderr.String(), "stops")[0]+` +`+date+`  0         -
$`, out)

	info, err := os.Stat(socket)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	conn, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer conn.Close()
	var r report
	require.NoError(t, json.NewDecoder(conn).Decode(&r))
	require.Len(t, r.Services, 4)
	assert.Equal(t, os.Getpid(), r.PID)
	assert.WithinRange(t, r.Services[0].Since, r.Since, time.Now())

	c.interrupt()
	c.interrupt()
	c.wait(t)
	assert.NoFileExists(t, socket)
	code, _, errs := status(socket)
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, errs, "supervisor: dial unix "+socket)
}

// A second supervisor of a file fails to start, unless the first one was killed.
func TestOneSupervisor(t *testing.T) {
	socket := filepath.Join(proctest.TempDir(t), "socket")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	c := begin(t, "a: sleep 600", "-socket", socket)
	c.stderr.await(t, 1, "started")

	second := begin(t, "a: sleep 600", "-socket", socket)
	assert.Equal(t, exitFailed, second.wait(t))
	assert.Contains(t, second.stderr.String(), "a supervisor of this file is already running")
	code, _, _ := status(socket)
	assert.Zero(t, code, "the first is still there")

	c.interrupt()
	assert.Zero(t, c.wait(t))
}

// A file that is not a socket is not replaced, and supervisor works without a socket.
func TestNoSocket(t *testing.T) {
	file := filepath.Join(proctest.TempDir(t), "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	c := begin(t, "a: sleep 600", "-socket", file)
	c.stderr.await(t, 1, "a: started")
	assert.Contains(t, c.stderr.String(), "supervisor: -status is not available: ")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
}

// A client that does not read the status blocks nothing.
func TestStatusUnread(t *testing.T) {
	socket := filepath.Join(proctest.TempDir(t), "socket")
	c := begin(t, manyCommands(2000, "./no/such"), "-socket", socket, "-delay", "1h", "-max-delay", "1h")
	c.stderr.await(t, 2000, "again in")
	conn, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer conn.Close()
	code, out, _ := status(socket)
	assert.Zero(t, code)
	assert.Contains(t, out, "\nc1999 ")
	c.interrupt()
	assert.Zero(t, c.wait(t))
}
