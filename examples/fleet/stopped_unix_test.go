//go:build unix

package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// Jobs that are lost because the server is killed are sent again.
func TestLostJobs(t *testing.T) {
	t.Parallel()
	f := remote(t)
	ctx, stop := context.WithTimeout(t.Context(), proctest.Deadline)
	defer stop()
	s := f.open(ctx)
	c := &client{store: s, record: &record{Command: command{"echo"}}, run: "r"}
	require.NoError(t, f.Signal(syscall.SIGSTOP)) // so that it does not receive the jobs
	away := make(chan submission, 100)
	for i := range cap(away) {
		away <- c.send(i, "x")
	}
	close(away)
	s.nc.FlushTimeout(100 * time.Millisecond)
	f.restart()
	require.NoError(t, c.confirm(ctx, away))
	pending, err := s.pending(ctx, "r")
	require.NoError(t, err)
	assert.Len(t, pending, cap(away))
}

// Output is stored once, even if the server's reply to the worker was lost.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	f := remote(t)
	w := f.worker("-j", "1")
	paths, input := files(t, "a")
	client := f.client(input, "sh", "-c", `echo $$ >$0; while ! test -e $0.go; do sleep 0.05; done; head -c 200000 /dev/zero`)
	pidIn(t, paths[0])
	require.NoError(t, f.Signal(syscall.SIGSTOP))
	require.NoError(t, os.WriteFile(paths[0]+".go", nil, 0o600))
	w.says("the server does not respond")
	require.NoError(t, f.Signal(syscall.SIGCONT))
	assert.Zero(t, client.status())
	assert.Len(t, client.stdout.String(), 200000)
}
