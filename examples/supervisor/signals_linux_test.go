package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// The program itself, and not only run, does what signals ask for.
func TestSignals(t *testing.T) {
	if proctest.Rerunning() {
		os.Exit(run(notify(), []string{"-log", os.Getenv("LOG"), os.Getenv("CONF")}, os.Stdout, os.Stderr))
	}
	dir := proctest.TempDir(t)
	conf, log := filepath.Join(dir, "conf"), filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(conf, []byte("a: sleep 600"), 0o600))
	var out bytes.Buffer
	c := proctest.Rerun(t, "CONF="+conf, "LOG="+log)
	c.Stdout, c.Stderr = &out, &out
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Process.Kill() })
	awaitText(t, log, "a: started")

	require.NoError(t, os.WriteFile(conf, []byte("b: sleep 600"), 0o600))
	require.NoError(t, c.Process.Signal(syscall.SIGHUP))
	awaitText(t, log, "b: started")
	awaitText(t, log, "a: shut down")
	require.NoError(t, os.Rename(log, log+".1"))
	require.NoError(t, c.Process.Signal(syscall.SIGUSR1))
	awaitText(t, log, "opened the log again")
	code, status, _ := status(conf + ".sock")
	assert.Zero(t, code)
	assert.Regexp(t, `\nb +running `, status)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, c.Wait(), "%s", &out)
	assert.Contains(t, read(log), "b: shut down: signal: terminated")
}
