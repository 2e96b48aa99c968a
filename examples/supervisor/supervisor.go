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

// options are the settings of a supervisor.
type options struct {
	backoff
	file       string // the configuration file
	grace      time.Duration
	raw        bool
	timestamps bool
	logPath    string // "" for none
	socket     string // "" for none
}

// signals are the signals that supervisor handles.
type signals struct {
	interrupts, reloads, reopens <-chan os.Signal
}

// A supervisor keeps services alive, in a single loop.
type supervisor struct {
	options
	services       []*service          // in the order of the file
	byName         map[string]*service // includes removed services that are still shutting down
	width          int                 // length of the longest name
	stdout, stderr io.Writer           // inherited by the commands with -raw
	output         output
	journal        *journal
	log            *os.File // replaces both for output and messages, or nil
	began          time.Time

	timer    *time.Timer
	due      queue // the waiting services
	ended    chan exit
	gone     chan exit // services that were shut down
	requests chan chan<- report

	status  net.Listener    // nil if there is no socket
	looping context.Context // done when the loop has ended
	endLoop context.CancelFunc
	killing context.Context // done when services being shut down are to be killed
	kill    context.CancelFunc
	shutdown
}

// An exit is the end of one run of a service.
type exit struct {
	*service
	cmd *execx.Cmd // may not be the current one of the service
	err error      // from Wait

	// If the service was shut down:
	ran    bool // it was running until then
	killed bool // it did not end in time
	stuck  bool // SIGKILL has not ended it
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
		s.say("-status is not available: %v", statusErr)
	}
	s.looping, s.endLoop = context.WithCancel(context.Background())
	s.killing, s.kill = context.WithCancel(context.Background())
	s.list(commands)
	return s, nil
}

// run runs the services until supervisor is shut down, and returns the exit status.
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

// setTimer sets the timer for the next turn or start.
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

// tick does the one thing that the timer was set for. The loop handles other events between two
// starts, even if thousands are due.
func (s *supervisor) tick() {
	if s.closing {
		s.nextTurn()
	} else {
		s.start(heap.Pop(&s.due).(*service))
	}
}

// start starts a service, or tries again later if processes of its last run remain.
func (s *supervisor) start(v *service) {
	if !v.endGroup() {
		if now := time.Now(); now.Before(v.until) {
			v.due = now.Add(20 * time.Millisecond)
			heap.Push(&s.due, v)
			return
		}
		s.sayOf(v, "processes of its last run do not end")
	}
	if err := s.startOutput(v); err != nil {
		s.retry(v, err)
		return
	}
	s.sayOf(v, "started as process %d", v.cmd.Process.Pid)
	c := v.cmd
	c.AfterWait(func(err error) { s.send(s.ended, exit{service: v, cmd: c, err: err}) })
}

// send sends an exit to the loop, unless the loop has ended.
func (s *supervisor) send(to chan<- exit, e exit) {
	select {
	case to <- e:
	case <-s.looping.Done():
	}
}

// startOutput starts a service with its output raw or copied line by line.
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

// retry schedules the next start of a service that is not running.
func (s *supervisor) retry(v *service, err error) {
	delay := v.retry(&s.backoff, err)
	heap.Push(&s.due, v)
	s.sayOf(v, "%s; again in %v", v.last, delay.Round(time.Millisecond))
}
