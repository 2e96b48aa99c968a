package main

import (
	"container/heap"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.execx.dev/examples/internal/lines"
)

// options is how to supervise.
type options struct {
	backoff
	grace time.Duration
	raw   bool
}

// A supervisor keeps services alive, in one loop for all of them.
type supervisor struct {
	options
	services []*service // in the order of the file
	output   output
	stdout   io.Writer
	stderr   io.Writer
	width    int // of the longest name

	timer *time.Timer
	due   queue     // of those that do not run
	ended chan exit // of those that do; has room for all
}

// An exit is the end of a service.
type exit struct {
	v   *service
	err error
}

func newSupervisor(o options, commands []command, stdout, stderr io.Writer) *supervisor {
	s := &supervisor{options: o, output: output{Writer: lines.NewWriter(stdout)}, stdout: stdout, stderr: stderr, ended: make(chan exit, len(commands))}
	for _, c := range commands {
		s.services = append(s.services, &service{command: c})
		s.width = max(s.width, len(c.name))
	}
	s.due = slices.Clone(s.services) // at once, in the order of the file
	return s
}

// run runs the services until the first interrupt, and returns the exit status.
func (s *supervisor) run(interrupts <-chan os.Signal) int {
	s.timer = time.NewTimer(0)
	defer s.timer.Stop()
	for {
		for len(s.due) > 0 && !s.due[0].due.After(time.Now()) {
			select {
			case <-interrupts:
				return s.shutdown(interrupts)
			default:
				s.start(heap.Pop(&s.due).(*service))
			}
		}
		s.setTimer()
		select {
		case <-interrupts:
			return s.shutdown(interrupts)
		case <-s.timer.C:
		case e := <-s.ended:
			s.say(e.v, "%v; again in %v", outcome(e.err), s.retry(e.v))
		}
	}
}

func (s *supervisor) setTimer() {
	if len(s.due) > 0 {
		s.timer.Reset(time.Until(s.due[0].due))
	} else {
		s.timer.Stop()
	}
}

// start starts a service, unless what it has left behind is still there.
func (s *supervisor) start(v *service) {
	if !v.endGroup() {
		if now := time.Now(); now.Before(v.until) {
			v.due = now.Add(20 * time.Millisecond)
			heap.Push(&s.due, v)
			return
		}
		s.say(v, "what it has left behind does not end")
	}
	if err := s.startOutput(v); err != nil {
		s.say(v, "%v; again in %v", err, s.retry(v))
		return
	}
	s.say(v, "started as process %d", v.cmd.Process.Pid)
	v.cmd.AfterWait(func(err error) { s.ended <- exit{v, err} })
}

// startOutput starts a service with the output that it is to have.
func (s *supervisor) startOutput(v *service) error {
	if s.raw {
		return v.start(s.stdout, s.stderr)
	}
	pipe, err := s.output.pipe(fmt.Sprintf("%-*s | ", s.width, v.name))
	if err != nil {
		return err
	}
	defer pipe.Close()
	return v.start(pipe, pipe)
}

// retry has a service that does not run started again, and returns the delay as it is to be said.
func (s *supervisor) retry(v *service) time.Duration {
	delay := v.retry(&s.backoff)
	heap.Push(&s.due, v)
	return delay.Round(time.Millisecond)
}

// A queue has the services to be started, the one that is due next first, by way of
// container/heap.
type queue []*service

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(v any)        { *q = append(*q, v.(*service)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	v := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return v
}

// outcome is how a command has ended.
func outcome(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// say says something of a service.
func (s *supervisor) say(v *service, format string, args ...any) {
	fmt.Fprintf(s.stderr, "supervisor: %s: %s\n", v.name, fmt.Sprintf(format, args...))
}
