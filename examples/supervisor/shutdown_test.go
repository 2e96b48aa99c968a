//go:build unix

package main

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/internal/proctest"
)

const (
	polite   = `sh -c "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"`
	stubborn = `sh -c "trap 'echo never' TERM; echo ready; while :; do sleep 0.01; done"`
)

func TestReverseOrder(t *testing.T) {
	c := begin(t, manyCommands(3, polite))
	c.stdout.await(t, 3, "ready")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	got := regexp.MustCompile(`(?m)^supervisor: .*: shut down: .*$`).FindAllString(c.stderr.String(), -1)
	assert.Equal(t, []string{
		"supervisor: c2: shut down: exit status 7",
		"supervisor: c1: shut down: exit status 7",
		"supervisor: c0: shut down: exit status 7",
	}, got)
	assert.Equal(t, 3, strings.Count(c.stdout.String(), "bye"))
}

// Commands are shut down one after the other: while the last one still runs, the first one gets no
// signal.
func TestInTurns(t *testing.T) {
	c := begin(t, "first: "+polite+"\nlast: "+stubborn)
	c.stdout.await(t, 2, "ready")
	c.interrupt()
	c.stdout.await(t, 1, "last  | never")
	assert.NotContains(t, c.stdout.String(), "bye")
	c.interrupt()
	assert.Equal(t, exitFailed, c.wait(t))
	assert.Contains(t, c.stderr.String(), "supervisor: last: had to be killed: signal: killed\n")
	assert.Contains(t, c.stderr.String(), "supervisor: first: had to be killed: ")
}

// The grace period is shared: if a command ignores SIGTERM, the next one is shut down while it
// still runs.
func TestTotalTime(t *testing.T) {
	proctest.Slow(t)
	c := begin(t, "first: "+polite+"\n"+manyCommands(2, stubborn), "-grace", "6s") // a turn takes 1s of it
	c.stdout.await(t, 3, "ready")
	c.interrupt()
	c.stderr.await(t, 1, "supervisor: first: shut down: exit status 7\n")
	assert.NotContains(t, c.stderr.String(), "had to be killed")
	assert.Equal(t, 2, strings.Count(c.stdout.String(), "never"))
	c.interrupt()
	assert.Equal(t, exitFailed, c.wait(t))
	assert.Equal(t, 2, strings.Count(c.stderr.String(), "had to be killed: signal: killed\n"))
}

// All commands are killed when the grace period is over.
func TestGrace(t *testing.T) {
	c := begin(t, manyCommands(3, stubborn), "-grace", "100ms")
	c.stdout.await(t, 3, "ready")
	c.interrupt()
	assert.Equal(t, exitFailed, c.wait(t))
	assert.Equal(t, 3, strings.Count(c.stderr.String(), "had to be killed: signal: killed\n"))
}

// A service that is shut down late is killed when the common grace period is over.
func TestStopBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := supervisor{options: options{grace: time.Minute}}
		assert.Equal(t, time.Now().Add(time.Minute), s.stopBy(), "by a reload")
		s.interrupt()
		end := time.Now().Add(time.Minute)
		time.Sleep(time.Second)
		assert.Equal(t, end, s.stopBy())
	})
}

// After the third interrupt, supervisor does not wait even for a command that can't be killed.
func TestAbandon(t *testing.T) {
	c := begin(t, "a: sleep 600")
	c.stderr.await(t, 1, "started")
	for range cap(c.interrupts) {
		c.interrupt()
	}
	c.wait(t) // the exit status depends on the timing
}

// Supervisor shuts down at once if all services are waiting and have no process.
func TestShutdownWhileWaiting(t *testing.T) {
	c := begin(t, "a: false\nb: ./no/such", "-delay", "1h", "-max-delay", "1h")
	c.stderr.await(t, 2, "again in ")
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.NotContains(t, c.stderr.String(), "shut down")
}

// A process that a command leaves in its group has ended before the command is restarted, even if
// the process ignores SIGTERM.
func TestLeftovers(t *testing.T) {
	proctest.Slow(t)
	proctest.NeedsGroupPidfds(t)
	file := filepath.Join(t.TempDir(), "pid")
	c := begin(t, `a: sh -c "read pid <$0 && grep -q '^State:.[^Z]' /proc/$pid/status && echo still there; `+
		`(trap '' TERM; exec sleep 600) & echo $! >$0; echo left $!" `+file, "-grace", "10ms")
	c.stdout.await(t, 3, "left ")
	c.interrupt()
	c.wait(t) // the exit status depends on whether the last command has ended yet
	assert.NotContains(t, c.stdout.String(), "still there")
	for _, match := range regexp.MustCompile(`left (\d+)`).FindAllStringSubmatch(c.stdout.String(), -1) {
		pid, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		proctest.Until(t, func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }, "process %d is still there", pid)
	}
}
