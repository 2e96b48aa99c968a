package main

import (
	"container/heap"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"go.execx.dev/examples/internal/lines"
	"go.execx.dev/execx"
)

// options is how to supervise.
type options struct {
	backoff
	file       string // with the list
	grace      time.Duration
	raw        bool
	timestamps bool
	logPath    string // "" for none
	socket     string // "" for none
}

// signals are those that supervisor gets.
type signals struct {
	interrupts, reloads, reopens <-chan os.Signal
}

// A supervisor keeps services alive, in one loop for all of them.
type supervisor struct {
	options
	services       []*service          // in the order of the file
	byName         map[string]*service // and those that are removed but not gone
	width          int                 // of the longest name
	stdout, stderr io.Writer           // of commands whose output is left raw
	output         output
	journal        *journal
	log            *os.File // where both go, or nil
	began          time.Time

	timer    *time.Timer
	due      queue // of those that wait
	ended    chan exit
	gone     chan exit // those that were asked to end
	requests chan chan<- report

	status  net.Listener    // nil for none
	looping context.Context // done when the loop has ended
	endLoop context.CancelFunc
	killing context.Context // done when those that were asked to end are killed
	kill    context.CancelFunc
	shutdown
}

// An exit is the end of what was started of a service.
type exit struct {
	*service
	cmd *execx.Cmd // may not be the one that is started now
	err error      // of waiting

	// after stop
	ran    bool // until it was stopped
	killed bool // as it did not end in time
	stuck  bool // not even that has ended it
}

func newSupervisor(o options, commands []command, stdout, stderr io.Writer) (*supervisor, error) {
	s := &supervisor{
		options:  o,
		byName:   make(map[string]*service),
		stdout:   stdout,
		stderr:   stderr,
		began:    time.Now(),
		ended:    make(chan exit),
		gone:     make(chan exit),
		requests: make(chan chan<- report),
	}
	statusErr := s.listen()
	if statusErr == errRunning {
		return nil, statusErr
	}
	s.output.Writer = lines.NewWriter(stdout)
	said := lines.NewWriter(stderr)
	if s.logPath != "" {
		if err := s.openLog(); err != nil {
			s.closeStatus()
			return nil, err
		}
		s.output.Writer = lines.NewWriter(s.log)
		said = s.output.Writer
	}
	s.journal = newJournal(said)
	if statusErr != nil {
		s.say("there is no -status: %v", statusErr)
	}
	s.looping, s.endLoop = context.WithCancel(context.Background())
	s.killing, s.kill = context.WithCancel(context.Background())
	s.list(commands)
	return s, nil
}

// run runs the services until it is interrupted, and returns the exit status.
func (s *supervisor) run(sig signals) int {
	var serving sync.WaitGroup
	if s.status != nil {
		serving.Go(s.serve)
	}
	defer serving.Wait()
	defer s.endLoop()
	defer s.kill()
	s.timer = time.NewTimer(0)
	defer s.timer.Stop()
	for !s.over() {
		s.setTimer()
		select {
		case <-sig.interrupts:
			s.interrupt()
		case <-sig.reloads:
			s.reload()
		case <-sig.reopens:
			s.reopenLog()
		case <-s.timer.C:
			s.tick()
		case e := <-s.ended:
			if e.state == running && e.cmd == e.service.cmd {
				s.retry(e.service, e.err)
			}
		case e := <-s.gone:
			s.end(e)
		case reply := <-s.requests:
			reply <- s.report()
		case <-s.output.Changed():
			s.sayLost()
		}
	}
	s.flush()
	if s.log != nil {
		s.log.Close()
	}
	return s.exitStatus
}

// setTimer has the timer fire when there is something to be done.
func (s *supervisor) setTimer() {
	switch {
	case s.closing && len(s.turns) > 0:
		s.timer.Reset(time.Until(s.turnEnds))
	case !s.closing && len(s.due) > 0:
		s.timer.Reset(time.Until(s.due[0].due))
	default:
		s.timer.Stop()
	}
}

// tick does what the timer was set for, one thing at a time: whatever else happens is not to wait
// for thousands of starts.
func (s *supervisor) tick() {
	if s.closing {
		s.nextTurn()
	} else {
		s.start(heap.Pop(&s.due).(*service))
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
		s.sayOf(v, "what it has left behind does not end")
	}
	if err := s.startOutput(v); err != nil {
		s.retry(v, err)
		return
	}
	s.sayOf(v, "started as process %d", v.cmd.Process.Pid)
	c := v.cmd
	c.AfterWait(func(err error) { s.send(s.ended, exit{service: v, cmd: c, err: err}) })
}

// send tells the loop of an exit, unless it has ended.
func (s *supervisor) send(to chan<- exit, e exit) {
	select {
	case to <- e:
	case <-s.looping.Done():
	}
}

// startOutput starts a service with the output that it is to have.
func (s *supervisor) startOutput(v *service) error {
	if s.raw {
		return v.start(s.stdout, s.stderr)
	}
	name := fmt.Sprintf("%-*s | ", s.width, v.name)
	pipe, err := s.output.pipe(func() string { return s.stamp() + name })
	if err != nil {
		return err
	}
	defer pipe.Close()
	return v.start(pipe, pipe)
}

// retry has a service that does not run started again.
func (s *supervisor) retry(v *service, err error) {
	delay := v.retry(&s.backoff, err)
	heap.Push(&s.due, v)
	s.sayOf(v, "%s; again in %v", v.last, delay.Round(time.Millisecond))
}
