package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A client starts a run, or resumes it.
type client struct {
	*store
	*record
	run            string
	resumed        bool
	keepOrder      bool
	stdin          io.Reader
	stdout, stderr io.Writer
}

// create records a new run.
func (c *client) create(ctx context.Context) error {
	c.run = strings.ToLower(rand.Text()[:12])
	data, err := json.Marshal(c.record)
	if err != nil {
		return err
	}
	_, err = c.runs.Create(ctx, runKey(c.run), data)
	return err
}

// resume loads the record of a run.
func (c *client) resume(ctx context.Context, run string) (err error) {
	c.run, c.resumed = run, true
	c.record, err = c.store.record(ctx, run)
	return err
}

// follow submits the jobs and prints their results, until all are printed or the run is cancelled.
// It returns the exit status.
func (c *client) follow(interrupts <-chan os.Signal) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var cancelled jetstream.KeyWatcher
	err := c.persist(ctx, func() (err error) {
		cancelled, err = c.runs.Watch(ctx, cancelledKey(c.run), jetstream.IgnoreDeletes())
		return err
	})
	if err != nil {
		c.say("%v", err)
		return exitFailed
	}
	defer cancelled.Stop()
	updates := cancelled.Updates()

	inputFailed := false
	total := make(chan int, 1)
	submitted, printed := make(chan error, 1), make(chan error, 1)
	go func() {
		jobs, inputError, err := c.submit(ctx)
		if inputError != nil {
			c.say("%v", inputError)
			inputFailed = true
		}
		if err == nil {
			total <- jobs
		}
		submitted <- err
	}()
	p := &printer{store: c.store, run: c.run, keepOrder: c.keepOrder, maxHeld: 64 << 20,
		stdout: c.stdout, stderr: c.stderr, waiting: make(map[int]arrival)}
	go func() { printed <- p.print(ctx, total) }()
	noWorker := time.After(3 * time.Second)
	for {
		select {
		case sig := <-interrupts:
			return c.interrupted(sig, interrupts)
		case entry, ok := <-updates:
			if !ok {
				updates = nil
			} else if entry != nil { // nil marks the end of the initial values
				c.say("%v", errCancelled)
				return exitInterrupted
			}
		case <-noWorker:
			if workers, err := c.workers(ctx, time.Second); err == nil && len(workers) == 0 {
				c.say("no worker has responded: start one with fleet worker")
			}
		case err := <-submitted:
			if errors.Is(err, errCancelled) {
				c.say("%v", err)
				return exitInterrupted
			}
			if err != nil {
				c.say("submitting the jobs: %v; resume with fleet run -resume %s and the same input", err, c.run)
				return exitFailed
			}
			submitted = nil
		case err := <-printed:
			if err != nil { // the output can't be written
				c.say("%v", err)
				c.end(interrupts)
				return exitFailed
			}
			if err := c.forget(ctx, c.run); err != nil {
				c.say("removing the results: %v", err)
			}
			if p.failed > 0 || inputFailed {
				return exitFailed
			}
			return 0
		}
	}
}

// interrupted handles a signal. A hangup does not cancel the run.
func (c *client) interrupted(sig os.Signal, interrupts <-chan os.Signal) int {
	if sig == syscall.SIGHUP {
		c.say("the run goes on: fleet run -resume %s", c.run)
	} else {
		c.end(interrupts)
	}
	return exitInterrupted
}

// end cancels the run, and waits until the workers have ended its commands, or for another
// interrupt.
func (c *client) end(interrupts <-chan os.Signal) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- c.cancel(ctx, c.run, c.Grace) }()
	c.say("cancelling the run")
	select {
	case err := <-ended:
		if err != nil {
			c.say("%v; it may go on: fleet cancel %s", err, c.run)
		}
	case <-interrupts:
		c.say("the workers may not have ended all of the run")
	}
}
