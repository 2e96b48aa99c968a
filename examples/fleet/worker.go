package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// maxAttempts is how often a job is started if its workers are lost: the job itself may be what
// kills them.
const maxAttempts = 5

// pullTime is how long a request for a job is valid. A restarted server has lost the requests, so
// the worker repeats its request after that time.
const pullTime = 5 * time.Second

var (
	errCancelled = errors.New("the run was cancelled")
	errLeaving   = errors.New("the worker is shutting down")
)

// A worker runs jobs of all runs.
type worker struct {
	*store
	name  string
	slots int
	lost  time.Duration // after this time, a silent worker is considered lost
	queue jetstream.Consumer

	killed context.Context // done when the commands must end
	kill   context.CancelCauseFunc

	mu        sync.Mutex
	cancelled map[string]bool // runs
	running   map[*task]struct{}
}

// A task is a job that this worker is running.
type task struct {
	*job
	since  time.Time
	cancel context.CancelCauseFunc
}

func newWorker(s *store, slots int, lost time.Duration) *worker {
	host, _ := os.Hostname()
	w := &worker{
		store:     s,
		name:      fmt.Sprintf("%s:%d", host, os.Getpid()),
		slots:     slots,
		lost:      lost,
		cancelled: make(map[string]bool),
		running:   make(map[*task]struct{}),
	}
	w.killed, w.kill = context.WithCancelCause(context.Background())
	return w
}

// run runs jobs until an interrupt, and then finishes those that are running. At another interrupt,
// or after the time drain if it is not 0, it ends them, so that they run elsewhere.
func (w *worker) run(interrupts <-chan os.Signal, drain time.Duration) error {
	defer w.kill(errLeaving)
	if err := w.openQueue(w.killed); err != nil {
		return err
	}
	stopWatching, err := w.watchCancelled()
	if err != nil {
		return err
	}
	defer stopWatching()
	stopAnswering, err := w.answer()
	if err != nil {
		return err
	}
	defer stopAnswering()

	pulling, stop := context.WithCancel(w.killed)
	defer stop()
	var slots sync.WaitGroup
	for range w.slots {
		slots.Go(func() { w.work(pulling) })
	}
	drained := make(chan struct{})
	go func() {
		slots.Wait()
		close(drained)
	}()
	w.say("ready, as %s", w.name)
	<-interrupts
	stop()
	var deadline <-chan time.Time
	if drain > 0 {
		deadline = time.After(drain)
	}
	if n := len(w.status().Running); n > 0 {
		w.say("draining; %d still running; interrupt again to run them elsewhere", n)
	}
	select {
	case <-drained:
	case <-interrupts:
	case <-deadline:
	}
	w.kill(errLeaving)
	<-drained
	return nil
}

// openQueue opens the consumer that all workers share. The first worker creates it, and sets its
// configuration.
func (w *worker) openQueue(ctx context.Context) (err error) {
	w.queue, err = w.jobs.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       workersName,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       w.lost,
		MaxAckPending: -1, // the slots of all workers are the limit
	})
	if errors.Is(err, jetstream.ErrConsumerExists) {
		w.queue, err = w.jobs.Consumer(ctx, workersName)
	}
	if err == nil {
		w.lost = w.queue.CachedInfo().Config.AckWait
	}
	return err
}

// work runs one job after another until pulling is done. It requests a job only when it is idle, so
// that no job waits here while other workers are idle.
func (w *worker) work(pulling context.Context) {
	said := ""
	for pulling.Err() == nil {
		ctx, cancel := context.WithTimeout(pulling, pullTime)
		msg, err := w.queue.Next(jetstream.FetchContext(ctx))
		cancel()
		switch {
		case err == nil:
			said = ""
			w.handle(msg)
		case errors.Is(err, nats.ErrTimeout), ctx.Err() != nil:
		default:
			if err.Error() != said && w.nc.IsConnected() {
				said = err.Error()
				w.say("requesting a job: %v", err)
			}
			select {
			case <-pulling.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	}
}

// handle runs a job, and acknowledges it when it must not run again.
func (w *worker) handle(msg jetstream.Msg) {
	j := new(job)
	if err := json.Unmarshal(msg.Data(), j); err != nil || len(j.Args) == 0 {
		w.say("%s is not a job: %v", msg.Subject(), err)
		msg.Term()
		return
	}
	defer w.keep(msg)()
	ctx, end := w.begin(j)
	defer end()
	deliveries := uint64(1)
	if m, err := msg.Metadata(); err == nil {
		deliveries = m.NumDelivered
	}
	if deliveries > 1 && w.isDone(ctx, j) { // the acknowledgement was lost
		msg.Ack()
		return
	}
	r := w.attempt(ctx, j, deliveries)
	err := context.Cause(ctx)
	if err == nil {
		err = w.put(ctx, resultSubject(j.Run, j.Index), r)
	}
	switch {
	case err == nil, errors.Is(err, errStored), errors.Is(err, errCancelled):
		msg.Ack()
	case errors.Is(err, errLeaving):
		msg.Nak() // it runs elsewhere
	default:
		w.say("the result of %v: %v", j.Args, err)
	}
}

// attempt runs a job, unless it was attempted too often, and returns its result.
func (w *worker) attempt(ctx context.Context, j *job, deliveries uint64) *result {
	r := &result{Index: j.Index, Name: j.Args.String(), Worker: w.name, Attempt: nuid.Next()}
	if deliveries > maxAttempts {
		r.Error = fmt.Sprintf("given up, because its workers were lost %d times", maxAttempts)
		return r
	}
	out := &output{put: func(n int, pieces []piece) error {
		err := w.put(ctx, outputSubject(j.Run, j.Index, r.Attempt, n), pieces)
		if errors.Is(err, errStored) { // by this attempt, but the reply was lost
			return nil
		}
		return err
	}}
	if err := execute(ctx, j, out); err != nil {
		r.Error = printable(err.Error())
	}
	r.Chunks, r.Output = out.rest()
	return r
}

// keep reports to the server that the job is in progress until stop is called.
func (w *worker) keep(msg jetstream.Msg) (stop func()) {
	ticker := time.NewTicker(w.lost / 3)
	done := make(chan struct{})
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				msg.InProgress()
			}
		}
	}()
	return func() { close(done) }
}

// isDone reports whether a job has a result.
func (w *worker) isDone(ctx context.Context, j *job) bool {
	_, err := w.results.GetLastMsgForSubject(ctx, resultSubject(j.Run, j.Index))
	return err == nil
}

// begin registers a job as running, and returns its context, which is done when the run is
// cancelled.
func (w *worker) begin(j *job) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(w.killed)
	t := &task{j, time.Now(), cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancelled[j.Run] {
		cancel(errCancelled)
	}
	w.running[t] = struct{}{}
	return ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.running, t)
		cancel(nil)
	}
}

// cancelRun ends the running jobs of a run, and prevents others from starting.
func (w *worker) cancelRun(run string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancelled[run] = true
	for t := range w.running {
		if t.Run == run {
			t.cancel(errCancelled)
		}
	}
}
