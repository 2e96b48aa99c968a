package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

// Workers, the server and the client are killed and restarted during 2,000 jobs. No result is lost,
// and none appears twice.
func TestNothingLost(t *testing.T) {
	t.Parallel()
	const jobs = 2000
	f := remote(t)
	pids := t.TempDir()
	var workers []*process
	for range 3 {
		workers = append(workers, f.worker("-j", "4", "-lost", "2s"))
	}
	input := numbers(jobs)
	client := f.client(input, "-k", "sh", "-c", "echo $$ $PPID >"+pids+"/$0; sleep 0.02; echo $0")
	run := client.name()
	printed := func(n int) {
		t.Helper()
		proctest.Until(t, func() bool { return strings.Count(client.stdout.String(), "\n") >= n }, "%d lines", n)
	}

	printed(200)
	require.NoError(t, workers[0].Kill())
	workers[0].Wait()
	if hasKillOnExit {
		for _, pid := range startedBy(t, pids, workers[0].Process.Pid) {
			proctest.Until(t, func() bool { return proctest.Ended(pid) }, "%d is still running", pid)
		}
	}

	printed(600)
	f.restart()

	printed(1000)
	require.NoError(t, client.Kill())
	client.Wait()
	assert.True(t, strings.HasPrefix(input, client.stdout.String()), "what was printed before")
	client = f.client(input, "-k", "-resume", run)
	assert.Zero(t, client.status())
	assert.True(t, input == client.stdout.String(), "%d lines", strings.Count(client.stdout.String(), "\n"))
	assert.NotContains(t, f.list(), run)
}

// startedBy returns the PIDs of the commands that a worker has started.
func startedBy(t *testing.T, dir string, worker int) (pids []int) {
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(filepath.Join(dir, file.Name()))
		require.NoError(t, err)
		var pid, parent int
		if n, _ := fmt.Sscan(string(b), &pid, &parent); n == 2 && parent == worker {
			pids = append(pids, pid)
		}
	}
	require.NotEmpty(t, pids)
	return pids
}

// once is a script whose first run writes its PID to a file and does not end. Later runs end
// immediately.
const once = `if mkdir $0.first 2>/dev/null; then echo $$ >$0; exec sleep 1000; fi; echo again`

// The commands of a killed worker end, and run again on another worker.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	f := remote(t)
	first := f.worker("-j", "1", "-lost", "2s")
	file := filepath.Join(t.TempDir(), "pid")
	client := f.client(file+"\n", "sh", "-c", once)
	pid := pidIn(t, file)
	f.worker("-j", "1", "-lost", "2s")
	require.NoError(t, first.Kill())
	if hasKillOnExit {
		proctest.Until(t, func() bool { return proctest.Ended(pid) }, "%d is still running", pid)
	}
	assert.Zero(t, client.status())
	assert.Equal(t, "again\n", client.stdout.String())
}

// When the process that runs the server of a machine is killed, another one takes over.
func TestKilledHost(t *testing.T) {
	t.Parallel()
	f := local(t)
	first := f.worker("-j", "2", "-lost", "2s")
	f.worker("-j", "2", "-lost", "2s")
	client := f.client(numbers(300), "-k", "sh", "-c", "sleep 0.01; echo $0")
	proctest.Until(t, func() bool { return strings.Count(client.stdout.String(), "\n") > 50 }, "no output")
	require.NoError(t, first.Kill())
	assert.Zero(t, client.status())
	assert.Equal(t, numbers(300), client.stdout.String())
}

// A client that was killed while submitting jobs is resumed with the same input.
func TestHalfAnInput(t *testing.T) {
	t.Parallel()
	f := remote(t)
	client := f.command("run", "-k", "sh", "-c", `echo >>`+t.TempDir()+`/$0; echo $0`)
	stdin, err := client.StdinPipe()
	require.NoError(t, err)
	client.start()
	_, err = stdin.Write([]byte(numbers(100)))
	require.NoError(t, err)
	run := client.name()
	proctest.Until(t, func() bool { return strings.Contains(f.list(), " 100+ ") }, "not submitted")
	require.NoError(t, client.Kill())
	client.Wait()

	client = f.client(numbers(200), "-k", "-resume", run)
	f.worker("-j", "4")
	assert.Zero(t, client.status())
	assert.Equal(t, numbers(200), client.stdout.String())

	status, _, _ := f.run("", "-resume", run)
	assert.Equal(t, exitFailed, status)
}

// After a hangup of the client, the run continues.
func TestHangup(t *testing.T) {
	t.Parallel()
	f := remote(t)
	client := f.client("x\n", "echo")
	run := client.name()
	proctest.Until(t, func() bool { return strings.Contains(f.list(), " 1 ") }, "not submitted")
	require.NoError(t, client.Signal(syscall.SIGHUP))
	assert.Equal(t, exitInterrupted, client.status())
	client.says("the run goes on: fleet run -resume " + run)
	f.worker()
	_, stdout, _ := f.run("", "-resume", run)
	assert.Equal(t, "x\n", stdout)
}

// A job whose result is stored does not run again if its acknowledgement was lost, and its result
// does not change.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	f := remote(t)
	ctx, stop := context.WithTimeout(t.Context(), proctest.Deadline)
	defer stop()
	s := f.open(ctx)
	file := filepath.Join(t.TempDir(), "has run")
	w := newWorker(s, 1, 100*time.Millisecond)
	require.NoError(t, w.openQueue(ctx))
	data, err := json.Marshal(&job{Run: "r", Args: []string{"touch", file}})
	require.NoError(t, err)
	_, err = s.js.Publish(ctx, jobSubject("r", 0), data)
	require.NoError(t, err)
	_, err = w.queue.Next(jetstream.FetchContext(ctx))
	require.NoError(t, err)
	require.NoError(t, s.put(ctx, resultSubject("r", 0), &result{Worker: "first"}))
	msg, err := w.queue.Next(jetstream.FetchContext(ctx))
	require.NoError(t, err)
	w.handle(msg)
	left, err := s.drained(ctx, "r")
	require.NoError(t, err)
	assert.Zero(t, left)
	assert.NoFileExists(t, file)

	assert.ErrorIs(t, s.put(ctx, resultSubject("r", 0), &result{Worker: "late"}), errStored)
	stored, err := s.results.GetLastMsgForSubject(ctx, resultSubject("r", 0))
	require.NoError(t, err)
	assert.Contains(t, string(stored.Data), `"Worker":"first"`)
}
