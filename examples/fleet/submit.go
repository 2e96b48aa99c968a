package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxUnconfirmed is the maximum number of jobs sent but not confirmed by the server.
const maxUnconfirmed = 256

// A submission is a job that was sent to the server.
type submission struct {
	index  int
	data   []byte
	future jetstream.PubAckFuture // nil if it could not be sent
}

// submit submits a job for each line of the input, except for those submitted before, and records
// the total number of jobs. It returns that number, and the error if reading the input failed.
func (c *client) submit(ctx context.Context) (jobs int, inputError, err error) {
	if c.Jobs >= 0 { // resumed
		return c.Jobs, nil, nil
	}
	isSubmitted, err := c.submitted(ctx)
	if err != nil {
		return 0, nil, err
	}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	away := make(chan submission, maxUnconfirmed)
	confirmed := make(chan error, 1)
	go func() {
		err := c.confirm(sending, away)
		if err != nil {
			cancel()
		}
		confirmed <- err
	}()
	inputError = eachLine(c.stdin, func(line string) bool {
		if i := jobs; !isSubmitted(i) {
			select {
			case away <- c.send(i, line):
			case <-sending.Done():
				return false
			}
		}
		jobs++
		return true
	})
	close(away)
	if err := <-confirmed; err != nil {
		return 0, nil, err
	}
	return jobs, inputError, c.seal(ctx, jobs)
}

// submitted returns a function that reports whether the job of a line was submitted before. A job
// is removed from the queue after its result is stored, so submitted must read the queue first.
func (c *client) submitted(ctx context.Context) (func(index int) bool, error) {
	if !c.resumed {
		return func(int) bool { return false }, nil
	}
	var pending, done map[string]uint64
	err := c.persist(ctx, func() (err error) {
		if pending, err = c.pending(ctx, c.run); err == nil {
			done, err = c.done(ctx, c.run)
		}
		return err
	})
	return func(index int) bool {
		return pending[jobSubject(c.run, index)] > 0 || done[resultSubject(c.run, index)] > 0
	}, err
}

func (c *client) job(index int, line string) *job {
	return &job{Run: c.run, Index: index, Args: c.Command.with(line), Dir: c.Dir, Timeout: c.Timeout, Grace: c.Grace}
}

// send sends a job without waiting for the confirmation.
func (c *client) send(index int, line string) submission {
	s := submission{index: index}
	s.data, _ = json.Marshal(c.job(index, line))
	s.future, _ = c.js.PublishAsync(jobSubject(c.run, index), s.data, c.messageID(index))
	return s
}

// messageID returns the ID by which the server discards a duplicate of a job.
func (c *client) messageID(index int) jetstream.PublishOpt {
	return jetstream.WithMsgID(c.run + "." + strconv.Itoa(index))
}

// confirm waits until the server has confirmed all jobs, and resends those that were lost.
func (c *client) confirm(ctx context.Context, away <-chan submission) error {
	for s := range away {
		if s.future != nil {
			select {
			case <-s.future.Ok():
				continue
			case <-s.future.Err():
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		err := c.persist(ctx, func() error {
			_, err := c.js.Publish(ctx, jobSubject(c.run, s.index), s.data, c.messageID(s.index))
			return err
		})
		if errors.Is(err, nats.ErrMaxPayload) {
			err = c.fail(ctx, s, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fail stores the result of a job that can't be submitted.
func (c *client) fail(ctx context.Context, s submission, reason error) error {
	j := new(job)
	if err := json.Unmarshal(s.data, j); err != nil {
		return err
	}
	err := c.put(ctx, resultSubject(c.run, s.index), &result{Index: s.index, Name: j.Args.String(), Error: reason.Error()})
	if errors.Is(err, errStored) {
		return nil
	}
	return err
}

// seal records the total number of jobs.
func (c *client) seal(ctx context.Context, jobs int) error {
	c.Jobs = jobs
	data, err := json.Marshal(c.record)
	if err != nil {
		return err
	}
	return c.persist(ctx, func() error {
		entry, err := c.runs.Get(ctx, runKey(c.run))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return errCancelled
		}
		if err != nil {
			return err
		}
		_, err = c.runs.Update(ctx, runKey(c.run), data, entry.Revision())
		return err
	})
}

// eachLine calls f with each nonempty line until f returns false.
func eachLine(r io.Reader, f func(line string) bool) error {
	for br := bufio.NewReader(r); ; {
		line, err := br.ReadString('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("reading the input: %w", err) // line may be incomplete
		}
		if line = strings.TrimSuffix(line, "\n"); line != "" && !f(line) {
			return nil
		}
		if err == io.EOF {
			return nil
		}
	}
}
