package main

import (
	"context"
	"io"
	"os"
	"slices"
	"time"
)

// A scheduler runs the jobs. It is a single loop that blocks only in its select, so that it always
// handles interrupts. Other goroutines read the input, start commands, write the log and write the
// output. A running job has no goroutine.
type scheduler struct {
	options
	input   *input
	quit    chan struct{} // closed when the loop ends
	starter chan *job     // jobs to start
	refused chan *job     // jobs that could not be started for lack of resources
	started chan *job
	ended   chan *job
	printer *printer
	log     *joblog

	stage    stage
	deadline <-chan time.Time
	ctx      context.Context // ends the commands when it is done
	end      context.CancelFunc

	lines []string // read, but not yet run
	ahead int      // the total size of lines
	seq   int      // the number of the last line that became a job

	next    *job          // the job to start next, or nil
	busy    bool          // the starter is starting a job
	full    bool          // no resources for another job until one has ended
	warned  bool          // the user was warned about that
	running map[*job]bool // jobs that have started and not ended

	unprinted []*job // in the order of printing; with keepOrder, includes running jobs
	held      int    // the total size of the jobs in unprinted that have ended

	status      status
	interrupted bool
	halted      bool
	code        int  // exit status of the job that triggered --halt
	failed      bool // reading the input or writing the log failed
}

func newScheduler(o options, stdin io.Reader, stdout, stderr io.Writer, log *joblog) *scheduler {
	s := &scheduler{
		options: o,
		quit:    make(chan struct{}),
		starter: make(chan *job),
		refused: make(chan *job),
		started: make(chan *job),
		ended:   make(chan *job),
		printer: newPrinter(stdout, stderr),
		log:     log,
		running: make(map[*job]bool),
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	switch {
	case o.isGiven:
		s.input = new(input)
		for _, line := range o.given {
			s.read(line, true)
		}
		s.read("", false)
	case o.null:
		s.input = readLines(stdin, 0, s.quit)
	default:
		s.input = readLines(stdin, '\n', s.quit)
	}
	return s
}

// run runs all jobs and returns the exit status.
func (s *scheduler) run(interrupts <-chan os.Signal) int {
	go s.startAll()
	defer close(s.quit)
	defer s.printer.close()
	defer s.abandon()

	broken := s.printer.broken
loop:
	for s.stage < leaving {
		if s.finished() {
			s.printer.close()
		}
		starter := s.prepare()
		printable, printer := s.nextPrintable()
		select {
		case line, ok := <-s.moreLines():
			s.read(line, ok)
		case starter <- s.next:
			s.next, s.busy = nil, true
			s.status.running++
		case j := <-s.started:
			s.busy = false
			if !j.ended { // s.ended may have been received first
				s.running[j] = true
			}
		case j := <-s.refused:
			s.refuse(j)
		case j := <-s.ended:
			s.finish(j)
		case printer <- printable:
			s.held -= pop(&s.unprinted).size()
		case s.printer.status <- s.status:
		case <-s.printer.done:
			break loop
		case <-broken: // the rest of the output cannot be written
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
	case s.failed, s.printer.isBroken():
		return exitFailed
	case s.halted:
		return s.code
	case s.status.failed > 0:
		return exitFailed
	}
	return 0
}

// moreLines returns the channel to receive a line from, or nil if no line should be read now.
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
		s.failed = true
		s.say("reading the input: %v", err)
	}
}

// prepare creates the next job from the next line. It returns the channel to send the job to, or
// nil if no job should be started now.
func (s *scheduler) prepare() chan<- *job {
	if s.stage > starting || s.busy || s.full || s.status.running >= int(s.jobs) || s.held > s.maxHeld {
		return nil
	}
	if s.next == nil {
		if len(s.lines) == 0 {
			return nil
		}
		line := pop(&s.lines)
		s.ahead -= lineSize(line)
		s.seq++
		s.next = newJob(s.seq, arguments(s.command, line, s.seq))
		if s.keepOrder {
			s.unprinted = append(s.unprinted, s.next)
		}
	}
	s.next.others = s.status.running
	return s.starter
}

// startAll starts the jobs one after the other, as the system would anyway.
func (s *scheduler) startAll() {
	for {
		select {
		case j := <-s.starter:
			s.start(j)
		case <-s.quit:
			return
		}
	}
}

func (s *scheduler) start(j *job) {
	ended := func(started time.Time, err error) {
		j.report(err)
		j.logErr = s.log.write(j, started, err)
		s.send(s.ended, j)
	}
	switch err := j.start(s.ctx, time.Duration(s.timeout), ended); {
	case err == nil:
		s.send(s.started, j)
	case exhausted(err) && j.others > 0:
		j.refusal = err
		s.send(s.refused, j)
	default:
		ended(time.Now(), err)
		s.send(s.started, j)
	}
}

// send sends j to the loop, unless the loop has ended.
func (s *scheduler) send(to chan<- *job, j *job) {
	select {
	case to <- j:
	case <-s.quit:
	}
}

// refuse makes j, which could not be started, wait until another job has ended.
func (s *scheduler) refuse(j *job) {
	s.busy = false
	s.status.running--
	if s.stage > starting {
		s.drop(j)
		return
	}
	s.next = j
	s.full = s.status.running > 0
	if !s.warned {
		s.warned = true
		s.say("warning: %v; running as many commands at once as possible, now %d", j.refusal, s.status.running)
	}
}

// drop drops a job that will not run.
func (s *scheduler) drop(j *job) {
	s.unprinted = slices.DeleteFunc(s.unprinted, func(other *job) bool { return other == j })
}

func (s *scheduler) finish(j *job) {
	j.ended = true
	j.cmd, j.args = nil, nil // free them: the output may not be printed for long
	delete(s.running, j)
	s.full = false
	s.held += j.size()
	if !s.keepOrder {
		s.unprinted = append(s.unprinted, j)
	}
	s.status.running--
	s.status.done++
	if j.failed {
		s.status.failed++
	}
	if j.logErr != nil {
		s.failed = true
		s.say("writing the log: %v", j.logErr)
	}
	if s.stage == starting && s.halt.reached(s.status) {
		s.haltAfter(j)
	}
}

// abandon kills the running jobs and does not wait for them.
func (s *scheduler) abandon() {
	s.end()
	for j := range s.running {
		j.cmd.Kill()
		j.cmd.Close()
	}
}

// nextPrintable returns the next job to print and the channel to send it to, or nil if there is
// none.
func (s *scheduler) nextPrintable() (*job, chan<- *job) {
	if len(s.unprinted) == 0 || !s.unprinted[0].ended {
		return nil, nil
	}
	return s.unprinted[0], s.printer.jobs
}

// finished reports whether all jobs have ended and have been passed to the printer.
func (s *scheduler) finished() bool {
	noMore := s.stage > starting || s.status.total && len(s.lines) == 0 && s.next == nil
	return noMore && s.status.running == 0 && len(s.unprinted) == 0
}

// lineSize returns the approximate memory use of a line.
func lineSize(line string) int {
	const self = 32
	return self + len(line)
}

// pop removes and returns the first element of a non-empty queue.
func pop[T any](queue *[]T) T {
	first := (*queue)[0]
	clear((*queue)[:1]) // otherwise the array would keep it reachable
	*queue = (*queue)[1:]
	return first
}
