package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"time"
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
	stderr   io.Writer
	width    int // of the longest name

	timer *time.Timer
	cases []reflect.SelectCase // interrupts, timer, and one for each service
}

// The cases of a supervisor. The last is that of the first service.
const (
	interruptCase = iota
	timerCase
	serviceCase
)

func newSupervisor(o options, commands []command, stdout, stderr io.Writer) *supervisor {
	s := &supervisor{options: o, output: output{w: stdout}, stderr: stderr}
	for _, c := range commands {
		s.services = append(s.services, &service{command: c})
		s.width = max(s.width, len(c.name))
	}
	return s
}

// run runs the services until the first interrupt, and returns the exit status.
func (s *supervisor) run(interrupts <-chan os.Signal) int {
	s.timer = time.NewTimer(0)
	defer s.timer.Stop()
	s.cases = make([]reflect.SelectCase, serviceCase+len(s.services))
	for i := range s.cases {
		s.cases[i].Dir = reflect.SelectRecv
	}
	s.cases[interruptCase].Chan = reflect.ValueOf(interrupts)
	s.cases[timerCase].Chan = reflect.ValueOf(s.timer.C)

	for {
		for i := s.next(); i >= 0 && !s.services[i].due.After(time.Now()); i = s.next() {
			select {
			case <-interrupts:
				return s.shutdown(interrupts)
			default:
				s.start(i)
			}
		}
		s.setTimer()
		switch chosen, result, _ := reflect.Select(s.cases); chosen {
		case interruptCase:
			return s.shutdown(interrupts)
		case timerCase:
		default:
			err, _ := result.Interface().(error)
			s.end(chosen-serviceCase, err)
			s.endOthers()
		}
	}
}

// next returns the number of the service to be started next, or -1 if all are
// running.
func (s *supervisor) next() int {
	next := -1
	for i, v := range s.services {
		if !v.running() && (next < 0 || v.due.Before(s.services[next].due)) {
			next = i
		}
	}
	return next
}

func (s *supervisor) setTimer() {
	if next := s.next(); next >= 0 {
		s.timer.Reset(time.Until(s.services[next].due))
	} else {
		s.timer.Stop()
	}
}

// start starts a service, unless what it has left behind is still there.
func (s *supervisor) start(i int) {
	v := s.services[i]
	if !v.endGroup() {
		if now := time.Now(); now.Before(v.until) {
			v.due = now.Add(20 * time.Millisecond)
			return
		}
		s.say(v, "what it has left behind does not end")
	}
	if err := s.startOutput(v); err != nil {
		s.say(v, "%v; again in %v", err, s.retry(v))
		return
	}
	s.cases[serviceCase+i].Chan = reflect.ValueOf(v.ended)
	s.say(v, "started as process %d", v.cmd.Process.Pid)
}

// startOutput starts a service with the output that it is to have.
func (s *supervisor) startOutput(v *service) error {
	if s.raw {
		return v.start(s.output.w, s.stderr)
	}
	pipe, err := s.output.pipe(fmt.Sprintf("%-*s | ", s.width, v.name))
	if err != nil {
		return err
	}
	defer pipe.Close()
	return v.start(pipe, pipe)
}

// end notes that a service has ended, and how.
func (s *supervisor) end(i int, err error) {
	v := s.services[i]
	s.cases[serviceCase+i].Chan = reflect.Value{}
	delay := s.retry(v)
	s.say(v, "%v; again in %v", outcome(err), delay)
}

// endOthers notes the end of all services that have ended, for it takes
// reflect.Select long to tell of one.
func (s *supervisor) endOthers() {
	for i, v := range s.services {
		select {
		case err := <-v.ended:
			s.end(i, err)
		default:
		}
	}
}

// retry returns the delay as it is to be said.
func (s *supervisor) retry(v *service) time.Duration {
	return v.retry(&s.backoff).Round(time.Millisecond)
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
