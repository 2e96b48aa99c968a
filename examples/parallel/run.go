package main

import (
	"context"
	"io"
	"os"
	"time"
)

// options is what to run, and how.
type options struct {
	command   []string
	jobs      int
	keepOrder bool
	grace     time.Duration
	maxHeld   int // no job is started while more bytes of output are unprinted
	maxAhead  int // no line is read while more bytes of input are to be run
}

// A scheduler runs the jobs. All of it happens in one loop that never blocks but in
// its select, so that an interrupt always gets through: reading, waiting and
// writing have their own goroutines.
type scheduler struct {
	options
	input   *input
	quit    chan struct{} // closed when the loop has ended
	ended   chan *job
	printer *printer

	stage    stage
	deadline <-chan time.Time

	killed, abandoned context.Context
	kill, abandon     context.CancelFunc

	lines []string // read, but not yet run
	ahead int      // the size of lines

	unprinted []*job // in the order of printing; with keepOrder, the running ones, too
	held      int    // the size of those of them that have ended

	status      status
	interrupted bool
	inputFailed bool
}

func newScheduler(o options, stdin io.Reader, stdout, stderr io.Writer) *scheduler {
	s := &scheduler{
		options: o,
		quit:    make(chan struct{}),
		ended:   make(chan *job),
		printer: newPrinter(stdout, stderr),
	}
	s.input = readLines(stdin, s.quit)
	s.killed, s.kill = context.WithCancel(context.Background())
	s.abandoned, s.abandon = context.WithCancel(context.Background())
	return s
}

// run runs all jobs and returns the exit status.
func (s *scheduler) run(interrupts <-chan os.Signal) int {
	defer close(s.quit)
	defer s.printer.close()
	defer s.kill()
	defer s.abandon()

	broken := s.printer.broken
loop:
	for s.stage < leaving {
		for s.mayStart() {
			s.start()
		}
		if s.finished() {
			s.printer.close()
		}
		next, out := s.nextPrintable()
		select {
		case line, ok := <-s.moreLines():
			s.read(line, ok)
		case j := <-s.ended:
			s.end(j)
		case out <- next:
			s.held -= pop(&s.unprinted).size()
		case s.printer.status <- s.status:
		case <-s.printer.done:
			break loop
		case <-broken: // nobody wants to know the rest
			broken = nil
			s.advance()
		case <-interrupts:
			s.interrupted = true
			s.advance()
		case <-s.deadline:
			s.advance()
		}
	}
	switch {
	case s.interrupted:
		return exitInterrupted
	case s.status.failed > 0, s.inputFailed, s.printer.isBroken():
		return exitFailed
	}
	return 0
}

// moreLines returns where to read a line, or nil if none is wanted.
func (s *scheduler) moreLines() <-chan string {
	if s.stage > starting || s.status.total || s.ahead > s.maxAhead {
		return nil
	}
	return s.input.lines
}

func (s *scheduler) read(line string, ok bool) {
	if ok {
		s.lines = append(s.lines, line)
		s.ahead += lineSize(line)
		s.status.lines++
		return
	}
	s.status.total = true
	if err := s.input.err; err != nil {
		s.inputFailed = true
		s.say("reading the input: %v", err)
	}
}

func (s *scheduler) mayStart() bool {
	return s.stage == starting && len(s.lines) > 0 && s.status.running < s.jobs && s.held <= s.maxHeld
}

func (s *scheduler) start() {
	line := pop(&s.lines)
	s.ahead -= lineSize(line)
	s.status.running++
	j := newJob(s.command, line)
	if s.keepOrder {
		s.unprinted = append(s.unprinted, j)
	}
	go func() {
		j.run(s.killed, s.abandoned)
		select {
		case s.ended <- j:
		case <-s.quit:
		}
	}()
}

func (s *scheduler) end(j *job) {
	j.ended = true
	s.held += j.size()
	if !s.keepOrder {
		s.unprinted = append(s.unprinted, j)
	}
	s.status.running--
	s.status.done++
	if j.failed {
		s.status.failed++
	}
}

// nextPrintable returns the job to print and where to, or nil if there is none.
func (s *scheduler) nextPrintable() (*job, chan<- *job) {
	if len(s.unprinted) == 0 || !s.unprinted[0].ended {
		return nil, nil
	}
	return s.unprinted[0], s.printer.jobs
}

// finished reports whether all is run, and printed or about to be.
func (s *scheduler) finished() bool {
	noMore := s.stage > starting || s.status.total && len(s.lines) == 0
	return noMore && s.status.running == 0 && len(s.unprinted) == 0
}

// lineSize is about how much memory a line takes.
func lineSize(line string) int {
	const self = 32
	return self + len(line)
}

// pop takes the first element from a queue that is not empty.
func pop[T any](queue *[]T) T {
	first := (*queue)[0]
	clear((*queue)[:1]) // or the array would keep it
	*queue = (*queue)[1:]
	return first
}
