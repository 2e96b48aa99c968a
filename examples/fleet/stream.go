package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStream stores the jobs in a work queue, from which a job is removed once its result is stored;
// the results and the output of jobs in a stream; and the runs that are not finished, and the
// cancelled ones, in a bucket.
const (
	jobsStream    = "fleet_jobs"
	resultsStream = "fleet_results"
	runsBucket    = "fleet_runs"
	workersName   = "workers" // the consumer that all workers share

	kept = 7 * 24 * time.Hour // how long abandoned runs are kept
)

func jobSubject(run string, index int) string { return fmt.Sprintf("fleet.jobs.%s.%d", run, index) }
func resultSubject(run string, index int) string {
	return fmt.Sprintf("fleet.results.%s.%d", run, index)
}
func outputSubject(run string, index int, attempt string, n int) string {
	return fmt.Sprintf("fleet.output.%s.%d.%s.%d", run, index, attempt, n)
}

func runKey(run string) string       { return "run." + run }
func cancelledKey(run string) string { return "cancelled." + run }

// A record describes a run that is not finished.
type record struct {
	Command command
	Dir     []byte
	Timeout time.Duration
	Grace   time.Duration
	Started time.Time
	Jobs    int // -1 until the whole input was read
}

// A store is the storage that the processes of a fleet share.
type store struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	jobs    jetstream.Stream
	results jetstream.Stream
	runs    jetstream.KeyValue
	say     func(format string, args ...any)
}

// openStore opens the streams and the bucket, and creates those that do not exist.
func openStore(ctx context.Context, nc *nats.Conn, replicas int, say func(string, ...any)) (*store, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(3*time.Second))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	s := &store{nc: nc, js: js, say: say}
	s.jobs, err = openStream(ctx, js, jetstream.StreamConfig{
		Name:       jobsStream,
		Subjects:   []string{"fleet.jobs.*.*"},
		Retention:  jetstream.WorkQueuePolicy,
		Duplicates: 2 * time.Minute,
		MaxAge:     kept,
		Replicas:   replicas,
	})
	if err != nil {
		return nil, err
	}
	s.results, err = openStream(ctx, js, jetstream.StreamConfig{
		Name:        resultsStream,
		Subjects:    []string{"fleet.results.*.*", "fleet.output.*.*.*.*"},
		AllowDirect: true,
		MaxAge:      kept,
		Replicas:    replicas,
	})
	if err != nil {
		return nil, err
	}
	s.runs, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: runsBucket, TTL: kept, Replicas: replicas})
	if errors.Is(err, jetstream.ErrBucketExists) {
		s.runs, err = js.KeyValue(ctx, runsBucket)
	}
	return s, err
}

// openStream opens a stream, or creates it with the configuration. It does not change the
// configuration of an existing stream.
func openStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		s, err = js.Stream(ctx, config.Name)
	}
	return s, err
}

var errStored = errors.New("already stored")

// put stores v as the only message of a subject. It returns errStored if the subject already has a
// message. So a message is stored once, even if the server stored it and its reply was lost.
func (s *store) put(ctx context.Context, subject string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.persist(ctx, func() error {
		_, err := s.js.Publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(0))
		var refused *jetstream.APIError
		if errors.As(err, &refused) {
			switch refused.ErrorCode {
			case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
				return errStored
			}
		}
		return err
	})
}

// persist calls f until it succeeds or ctx is done. It retries if the server can't be reached or is
// busy, and returns other errors.
func (s *store) persist(ctx context.Context, f func() error) error {
	for said := false; ; said = true {
		err := f()
		switch {
		case err == nil, errors.Is(err, errStored), errors.Is(err, nats.ErrMaxPayload),
			errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, errCancelled):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !said && errors.Is(err, context.DeadlineExceeded):
			s.say("the server does not respond; trying again")
		case !said:
			s.say("%v; trying again", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// pending returns the subjects of the jobs of a run whose results are not stored. If run is "*", it
// returns those of all runs.
func (s *store) pending(ctx context.Context, run string) (map[string]uint64, error) {
	return subjects(ctx, s.jobs, "fleet.jobs."+run+".*")
}

// done returns the subjects of the results of a run.
func (s *store) done(ctx context.Context, run string) (map[string]uint64, error) {
	return subjects(ctx, s.results, "fleet.results."+run+".*")
}

func subjects(ctx context.Context, from jetstream.Stream, filter string) (map[string]uint64, error) {
	info, err := from.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// record returns the record of a run.
func (s *store) record(ctx context.Context, run string) (*record, error) {
	entry, err := s.runs.Get(ctx, runKey(run))
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
		return nil, fmt.Errorf("no run %q: it has finished, or is older than %v", run, kept)
	}
	if err != nil {
		return nil, err
	}
	r := new(record)
	return r, json.Unmarshal(entry.Value(), r)
}

// forget removes all data of a run, except the key that marks it as cancelled, which some workers
// may not have seen yet.
func (s *store) forget(ctx context.Context, run string) error {
	err := s.jobs.Purge(ctx, jetstream.WithPurgeSubject("fleet.jobs."+run+".*"))
	for _, subject := range []string{"fleet.results." + run + ".*", "fleet.output." + run + ".>"} {
		err = errors.Join(err, s.results.Purge(ctx, jetstream.WithPurgeSubject(subject)))
	}
	return errors.Join(err, s.runs.Purge(ctx, runKey(run)))
}
