package main

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// patience is the time limit for operations that take no time unless a fault occurs.
const patience = 5 * time.Second

// cancel makes all workers end the running jobs of a run, and drop the others. It waits for them
// until ctx is done or grace, and a little more, has passed. Then it forgets the run.
func (s *store) cancel(ctx context.Context, run string, grace time.Duration) error {
	setting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if _, err := s.runs.Put(setting, cancelledKey(run), nil); err != nil {
		return err
	}
	waiting, stop := context.WithTimeout(ctx, grace+2*patience)
	defer stop()
	left, err := s.drained(waiting, run)
	if left > 0 {
		s.say("%d jobs of the run were not dropped by the workers", left)
	}
	if err != nil {
		return err
	}
	forgetting, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	return s.forget(forgetting, run)
}

// drained waits until no job of a run remains in the queue, or ctx is done. It returns how many
// remain.
func (s *store) drained(ctx context.Context, run string) (left int, err error) {
	for {
		asking, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
		pending, err := s.pending(asking, run)
		stop()
		if err != nil || len(pending) == 0 {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return len(pending), nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// watchCancelled watches for cancelled runs. When it returns, the worker has handled those that
// were cancelled before. The watcher survives lost connections.
func (w *worker) watchCancelled() (stop func(), err error) {
	watcher, err := w.runs.Watch(w.killed, cancelledKey("*"), jetstream.IgnoreDeletes())
	if err != nil {
		return nil, err
	}
	known, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for entry := range watcher.Updates() {
			if entry == nil { // end of the initial values
				close(known)
				continue
			}
			w.cancelRun(strings.TrimPrefix(entry.Key(), cancelledKey("")))
		}
	}()
	select {
	case <-known:
	case <-ended:
	}
	return func() {
		watcher.Stop()
		<-ended
	}, nil
}
