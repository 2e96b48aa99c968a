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

// killOnExit reports whether the commands are killed when supervisor dies, so that the next
// supervisor does not start them a second time. Not all systems support it.
var killOnExit = slices.Contains([]string{"linux", "freebsd", "windows"}, runtime.GOOS)

// patience is how long to wait for something that takes no time unless a fault occurs.
const patience = 5 * time.Second

// A state is the state of a service.
type state string

const (
	waiting  state = "waiting" // for its next start
	running  state = "running"
	stopping state = "stopping" // being shut down
)

// A service is a command that is kept alive.
type service struct {
	command
	state    state
	since    time.Time  // when the state was entered
	cmd      *execx.Cmd // the last one started, or nil
	starts   int        // number of starts
	last     string     // how it last ended, or why it could not be started
	failures int        // consecutive runs that ended too soon or failed to start
	place    int        // index in the list
	removed  bool       // from the list

	// If state is waiting:
	due   time.Time // when to start the service
	until time.Time // start it then even if processes of the last run remain
	index int       // index in the queue
}

func (v *service) enter(to state) { v.state, v.since = to, time.Now() }

// start starts the service, which isn't running.
func (v *service) start(stdout, stderr io.Writer) error {
	v.release()
	c := execx.Command(v.args[0], v.args[1:]...)
	c.Stdout, c.Stderr = stdout, stderr
	c.ProcessGroup = true // Ctrl-C at the terminal does not reach it
	c.KillOnExit = killOnExit
	if err := c.Start(); err != nil {
		return err
	}
	v.cmd = c
	v.starts++
	v.enter(running)
	return nil
}

// retry sets the next start of the service, which has ended or failed to start. It returns the
// delay.
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

// endGroup kills the processes that remain in the group of a command that has ended, and reports
// whether there were none.
func (v *service) endGroup() bool {
	return v.cmd == nil || errors.Is(v.cmd.Kill(), os.ErrProcessDone)
}

// release closes the Cmd, which releases the descriptors that refer to the group.
func (v *service) release() {
	if v.cmd != nil {
		v.cmd.Close()
		v.cmd = nil
	}
}

// outcome describes how a command ended.
func outcome(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// A queue is a heap (see container/heap) of the services that wait for their start. The one due
// next comes first.
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
