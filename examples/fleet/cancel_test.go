package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// polite is a script that writes its PID to a file, and creates another file on SIGTERM.
const polite = `trap 'touch $0.terminated; exit' TERM; echo $$ >$0; while :; do sleep 0.1; done`

// files returns the paths of files in a new directory, and an input with these paths.
func files(t *testing.T, names ...string) (paths []string, input string) {
	dir := t.TempDir()
	for _, name := range names {
		paths = append(paths, filepath.Join(dir, name))
	}
	return paths, strings.Join(paths, "\n") + "\n"
}

// An interrupt of the client ends the commands on all workers, and the waiting jobs never run.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	f := remote(t)
	f.worker("-j", "1")
	f.worker("-j", "1")
	paths, input := files(t, "a", "b", "c", "d")
	client := f.client(input, "sh", "-c", polite)
	pids := []int{pidIn(t, paths[0]), pidIn(t, paths[1])}
	require.NoError(t, client.Signal(os.Interrupt))
	assert.Equal(t, exitInterrupted, client.status())
	for i, pid := range pids {
		assert.True(t, proctest.Ended(pid))
		assert.FileExists(t, paths[i]+".terminated")
		assert.NoFileExists(t, paths[i+2])
	}
	assert.NotContains(t, f.list(), client.name())
	status, stdout, _ := f.run("x\n", "echo") // the workers are available for other runs
	assert.Zero(t, status)
	assert.Equal(t, "x\n", stdout)
}

// A run whose client has exited is cancelled by its name, even if workers had lost their
// connection.
func TestCancel(t *testing.T) {
	t.Parallel()
	f := remote(t)
	f.worker("-j", "1")
	paths, input := files(t, "a", "b")
	client := f.client(input, "sh", "-c", polite)
	pid := pidIn(t, paths[0])
	f.restart()
	cancel := f.command("cancel", client.name()).start()
	assert.Zero(t, cancel.status())
	assert.True(t, proctest.Ended(pid))
	assert.FileExists(t, paths[0]+".terminated")
	assert.NoFileExists(t, paths[1])
	assert.Equal(t, exitInterrupted, client.status())
	client.says("the run was cancelled")
	cancel = f.command("cancel", client.name()).start()
	assert.Equal(t, exitFailed, cancel.status())
	cancel.says("no run")
}

// A worker finishes its running jobs before it exits.
func TestDrain(t *testing.T) {
	t.Parallel()
	f := remote(t)
	w := f.worker("-j", "1")
	paths, input := files(t, "a", "b")
	client := f.client(input, "-k", "sh", "-c", `echo $$ >$0; while ! test -e $0.end; do sleep 0.05; done; echo done`)
	pidIn(t, paths[0])
	require.NoError(t, w.Signal(syscall.SIGTERM))
	w.says("draining; 1 still running")
	require.NoError(t, os.WriteFile(paths[0]+".end", nil, 0o600))
	assert.Zero(t, w.status())
	assert.NoFileExists(t, paths[1])
	require.NoError(t, os.WriteFile(paths[1]+".end", nil, 0o600))
	f.worker("-j", "1")
	assert.Zero(t, client.status())
	assert.Equal(t, "done\ndone\n", client.stdout.String())
}

// A job that a worker gives up runs again on another worker.
func TestDrainLimit(t *testing.T) {
	t.Parallel()
	f := remote(t)
	w := f.worker("-j", "1", "-lost", "1h", "-drain", "100ms")
	paths, input := files(t, "a")
	client := f.client(input, "sh", "-c", once)
	pid := pidIn(t, paths[0])
	require.NoError(t, w.Signal(syscall.SIGTERM))
	assert.Zero(t, w.status())
	assert.True(t, proctest.Ended(pid))
	f.worker("-j", "1", "-lost", "1h")
	assert.Zero(t, client.status())
	assert.Equal(t, "again\n", client.stdout.String())
}
