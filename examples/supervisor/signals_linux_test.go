package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// beginProgram runs the program in a process of its own, with a command named a, and returns once
// that is started.
func beginProgram(t *testing.T) (c *exec.Cmd, conf, log string) {
	t.Helper()
	if proctest.Rerunning() {
		os.Exit(run(notify(), []string{"-log", os.Getenv("LOG"), os.Getenv("CONF")}, os.Stdout, os.Stderr))
	}
	dir := proctest.TempDir(t)
	conf, log = filepath.Join(dir, "conf"), filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(conf, []byte("a: sleep 600"), 0o600))
	c = proctest.Rerun(t, "CONF="+conf, "LOG="+log)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Process.Kill() })
	awaitText(t, log, "a: started")
	return c, conf, log
}

// The program itself handles signals as run does.
func TestSignals(t *testing.T) {
	c, conf, log := beginProgram(t)
	require.NoError(t, os.WriteFile(conf, []byte("b: sleep 600"), 0o600))
	require.NoError(t, c.Process.Signal(syscall.SIGHUP))
	awaitText(t, log, "b: started")
	awaitText(t, log, "a: shut down")
	require.NoError(t, os.Rename(log, log+".1"))
	require.NoError(t, c.Process.Signal(syscall.SIGUSR1))
	awaitText(t, log, "reopened the log")
	code, status, _ := status(conf + ".sock")
	assert.Zero(t, code)
	assert.Regexp(t, `\nb +running `, status)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, c.Wait(), "%s", c.Stdout)
	assert.Contains(t, read(log), "b: shut down: signal: terminated")
}

// When supervisor is killed, its commands end, and another supervisor can start.
func TestKilled(t *testing.T) {
	c, conf, log := beginProgram(t)
	_, said, _ := strings.Cut(read(log), "supervisor: a: started as process ")
	var pid int
	_, err := fmt.Sscan(said, &pid)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			proctest.Kill(pid)
		}
	})
	require.NoError(t, c.Process.Kill())
	c.Wait()
	proctest.Until(t, func() bool { return proctest.Ended(pid) }, "process %d is still running", pid)
	require.FileExists(t, conf+".sock")

	next := begin(t, "b: sleep 600", "-socket", conf+".sock")
	next.stderr.await(t, 1, "b: started")
	next.interrupt()
	assert.Zero(t, next.wait(t))
}
