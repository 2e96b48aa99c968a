package main

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// patience is how long something may take that takes no time unless something is wrong.
const patience = 5 * time.Second

// cancel has all workers end what they run of a run, and drop the rest of it. It waits until they
// have, but not much longer than the commands have to end, and not when ctx is done. It then
// forgets the run.
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
		s.say("%d jobs of the run have not been dropped by the workers", left)
	}
	if err != nil {
		return err
	}
	forgetting, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	return s.forget(forgetting, run)
}

// drained waits until there is no job of a run, or ctx is done. It returns how many are left.
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

// watchCancelled has the worker learn of the runs that were cancelled: of those that were before it
// returns, and later of others. The watcher gets over lost connections.
func (w *worker) watchCancelled() (stop func(), err error) {
	watcher, err := w.runs.Watch(w.killed, cancelledKey("*"), jetstream.IgnoreDeletes())
	if err != nil {
		return nil, err
	}
	known, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for entry := range watcher.Updates() {
			if entry == nil { // these were all so far
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
