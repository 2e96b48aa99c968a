//go:build unix

package main

import (
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
)

// starts returns the PIDs of a service, as reported in the messages.
func starts(said, name string) (pids []string) {
	re := regexp.MustCompile(`(?m)^supervisor: ` + name + `: started as process (\d+)$`)
	for _, match := range re.FindAllStringSubmatch(said, -1) {
		pids = append(pids, match[1])
	}
	return pids
}

// kill kills the process of a running service.
func kill(t *testing.T, said, name string) {
	t.Helper()
	pids := starts(said, name)
	require.NotEmpty(t, pids)
	pid, err := strconv.Atoi(pids[len(pids)-1])
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

func (c *call) reload() { c.reloads <- syscall.SIGHUP }

func TestReload(t *testing.T) {
	c := begin(t, `
		same:    sleep 600
		gone:    sleep 600
		changed: sleep 600
		waits:   false
		retired: false
	`, "-delay", "1h", "-max-delay", "1h")
	c.stderr.await(t, 2, "again in")
	c.stderr.await(t, 5, "started as")
	c.write(t, `
		new:     sleep 600
		changed: sleep 601
		same:    sleep 600
		waits:   sleep 600
	`)
	c.reload()
	c.stderr.await(t, 1, "supervisor: gone: shut down: signal: terminated\n")
	c.stderr.await(t, 1, "supervisor: changed: shut down: signal: terminated\n")
	c.stderr.await(t, 8, "started as")
	assert.Contains(t, c.stderr.String(), "supervisor: reloaded: 1 added, 2 removed, 2 changed, 1 as before\n")
	for _, want := range []struct {
		name   string
		starts int
	}{{"same", 1}, {"gone", 1}, {"retired", 1}, {"changed", 2}, {"waits", 2}, {"new", 1}} {
		assert.Len(t, starts(c.stderr.String(), want.name), want.starts, want.name)
	}

	c.interrupt()
	assert.Zero(t, c.wait(t))
	shutdowns := regexp.MustCompile(`(\w+): shut down`).FindAllStringSubmatch(c.stderr.String(), -1)
	var names []string
	for _, match := range shutdowns[2:] {
		names = append(names, match[1])
	}
	assert.Equal(t, []string{"waits", "same", "changed", "new"}, names, "the reverse of the new order")
}

// Reloading an invalid file changes nothing.
func TestReloadError(t *testing.T) {
	c := begin(t, "a: sleep 600")
	c.stderr.await(t, 1, "started")
	c.write(t, "a: sleep 600\nb\n")
	c.reload()
	c.stderr.await(t, 1, "supervisor: nothing was reloaded\n")
	assert.Contains(t, c.stderr.String(), "supervisor: "+c.file+":2: there is no colon after a name\n")
	c.write(t, "a: sleep 600\nb: sleep 600\n")
	c.reload()
	c.stderr.await(t, 1, "b: started")
	assert.Len(t, starts(c.stderr.String(), "a"), 1)
}

// A service that is added again while it is still shutting down is started once it has shut down.
func TestReloadTwice(t *testing.T) {
	c := begin(t, "a: "+stubborn+"\nb: sleep 600")
	c.stdout.await(t, 1, "a | ready")
	c.write(t, "b: sleep 600")
	c.reload()
	c.stdout.await(t, 1, "a | never")
	c.write(t, "b: sleep 600\na: echo back")
	c.reload()
	c.stderr.await(t, 2, "reloaded: ")
	assert.Len(t, starts(c.stderr.String(), "a"), 1)
	kill(t, c.stderr.String(), "a")
	c.stdout.await(t, 1, "a | back")
	assert.Len(t, starts(c.stderr.String(), "b"), 1)
}

// A service that a reload is still shutting down is also waited for at the shutdown.
func TestInterruptedReload(t *testing.T) {
	c := begin(t, "a: "+stubborn+"\nb: sleep 600")
	c.stdout.await(t, 1, "a | ready")
	c.write(t, "b: sleep 600")
	c.reload()
	c.stdout.await(t, 1, "a | never")
	c.interrupt()
	c.stderr.await(t, 1, "b: shut down")
	c.interrupt()
	assert.Equal(t, exitFailed, c.wait(t))
	assert.Contains(t, c.stderr.String(), "supervisor: a: had to be killed: signal: killed\n")
}

// The exit of a process is not mistaken for the exit of its successor.
func TestStaleExit(t *testing.T) {
	c := newCall()
	s, err := newSupervisor(options{backoff: backoff{first: 1, max: 1, random: longest}, grace: time.Hour, raw: true},
		[]command{{"a", []string{"sleep", "600"}}}, nil, &c.stderr)
	require.NoError(t, err)
	a := s.byName["a"]
	go func() { c.code <- s.run(signals{interrupts: c.interrupts}) }()
	c.stderr.await(t, 1, "a: started")
	s.send(s.ended, exit{service: a, cmd: execx.Command("before")})
	s.send(s.ended, exit{service: a, cmd: execx.Command("before")}) // received after the first one was handled
	c.interrupt()
	assert.Zero(t, c.wait(t))
	assert.NotContains(t, c.stderr.String(), "again in")
}
