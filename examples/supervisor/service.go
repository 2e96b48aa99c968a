package main

import (
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"go.execx.dev/execx"
)

// killOnExit has commands end when supervisor is killed: the next one is going to start them again.
// That can't be had everywhere.
var killOnExit = slices.Contains([]string{"linux", "freebsd", "windows"}, runtime.GOOS)

// patience is how long to wait for what takes no time unless something is wrong.
const patience = 5 * time.Second

// A state is what a service does.
type state string

const (
	waiting  state = "waiting" // to be started
	running  state = "running"
	stopping state = "stopping" // asked to end
)

// A service is a command that is kept alive.
type service struct {
	command
	state    state
	since    time.Time  // when the state was entered
	cmd      *execx.Cmd // started last, or nil
	starts   int        // how often it was started
	last     string     // how it ended last, or why it was not started
	failures int        // how many in a row ended too soon, or didn't even start
	place    int        // in the list
	removed  bool       // from the list

	// of one that waits
	due   time.Time // when to start it
	until time.Time // how long to wait then for what cmd has left behind
	index int       // in the queue
}

func (v *service) enter(to state) { v.state, v.since = to, time.Now() }

// start starts the service, which isn't running.
func (v *service) start(stdout, stderr io.Writer) error {
	v.letGo()
	c := execx.Command(v.args[0], v.args[1:]...)
	c.Stdout, c.Stderr = stdout, stderr
	c.ProcessGroup = true // which Ctrl-C does not reach
	c.KillOnExit = killOnExit
	if err := c.Start(); err != nil {
		return err
	}
	v.cmd = c
	v.starts++
	v.enter(running)
	return nil
}

// retry has the service, which has ended or failed to start, started again. It returns the delay.
func (v *service) retry(b *backoff, err error) time.Duration {
	v.last = outcome(err)
	if v.state == running {
		v.endGroup()
		if time.Since(v.since) >= b.stable {
			v.failures = 0
		}
	}
	v.enter(waiting)
	delay := b.delay(v.failures)
	v.failures++
	v.due = v.since.Add(delay)
	v.until = v.due.Add(patience)
	return delay
}

// endGroup kills what the command, which has ended, has left of its group, and reports whether
// there was nothing.
func (v *service) endGroup() bool {
	return v.cmd == nil || errors.Is(v.cmd.Kill(), os.ErrProcessDone)
}

// letGo gives back what it takes to reach the group.
func (v *service) letGo() {
	if v.cmd != nil {
		v.cmd.Close()
		v.cmd = nil
	}
}

// outcome is how a command has ended.
func outcome(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// A queue has the services to be started, the one that is due next first, by way of container/heap.
type queue []*service

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if q[i].due.Equal(q[j].due) {
		return q[i].place < q[j].place
	}
	return q[i].due.Before(q[j].due)
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(v any) {
	v.(*service).index = len(*q)
	*q = append(*q, v.(*service))
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	v := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return v
}
