package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go"
)

const statusSubject = "fleet.status" // the workers respond to requests

// A workerStatus is the status of a worker.
type workerStatus struct {
	Name    string
	Slots   int
	Running []runningStatus
}

type runningStatus struct {
	Run, Name string
	Since     time.Time
}

// answer responds to requests for the status of the worker until stop is called.
func (w *worker) answer() (stop func(), err error) {
	sub, err := w.nc.Subscribe(statusSubject, func(msg *nats.Msg) {
		if b, err := json.Marshal(w.status()); err == nil {
			msg.Respond(b)
		}
	})
	if err != nil {
		return nil, err
	}
	return func() { sub.Unsubscribe() }, nil
}

func (w *worker) status() workerStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := workerStatus{Name: w.name, Slots: w.slots}
	for t := range w.running {
		s.Running = append(s.Running, runningStatus{t.Run, t.Args.String(), t.since})
	}
	return s
}

// workers requests the status of all workers. Their number is not known, so it returns when none
// has responded for the time silence.
func (s *store) workers(ctx context.Context, silence time.Duration) ([]workerStatus, error) {
	inbox := s.nc.NewInbox()
	answers, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer answers.Unsubscribe()
	if err := s.nc.PublishRequest(statusSubject, inbox, nil); err != nil {
		return nil, err
	}
	var all []workerStatus
	for {
		waiting, stop := context.WithTimeout(ctx, silence)
		msg, err := answers.NextMsgWithContext(waiting)
		stop()
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) {
			return all, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		var one workerStatus
		if json.Unmarshal(msg.Data, &one) == nil && one.Name != "" {
			all = append(all, one)
		}
	}
}

// printStatus prints the workers, and the runs that are not finished.
func (s *store) printStatus(ctx context.Context, w io.Writer) error {
	workers, err := s.workers(ctx, 500*time.Millisecond)
	if err != nil {
		return err
	}
	keys, err := s.runs.ListKeysFiltered(ctx, runKey("*"))
	if err != nil {
		return err
	}
	defer keys.Stop()
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "WORKER\tSLOTS\tRUNNING")
	running := make(map[string]int)
	for _, one := range workers {
		fmt.Fprintf(t, "%s\t%d\t%d\n", one.Name, one.Slots, len(one.Running))
		for _, r := range one.Running {
			running[r.Run]++
		}
	}
	fmt.Fprintln(t, "\nRUN\tSTARTED\tJOBS\tWAITING\tRUNNING\tDONE\tCOMMAND")
	for key := range keys.Keys() {
		run := strings.TrimPrefix(key, runKey(""))
		r, err := s.record(ctx, run)
		if err != nil {
			continue // it has finished meanwhile
		}
		pending, err := s.pending(ctx, run)
		if err != nil {
			return err
		}
		done, err := s.done(ctx, run)
		if err != nil {
			return err
		}
		jobs := fmt.Sprint(r.Jobs)
		if r.Jobs < 0 {
			jobs = fmt.Sprintf("%d+", len(pending)+len(done))
		}
		waiting := max(0, len(pending)-running[run])
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", run, r.Started.Local().Format(time.DateTime),
			jobs, waiting, running[run], len(done), r.Command)
	}
	return t.Flush()
}
