package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A printer prints the results of a run as they are stored or, with keepOrder, in the order of the
// input.
type printer struct {
	*store
	run            string
	keepOrder      bool
	maxHeld        int // maximum of held
	stdout, stderr io.Writer

	printed, failed int
	waiting         map[int]arrival // by index; used only with keepOrder
	held            int             // bytes in waiting
}

// An arrival is a message with a result.
type arrival struct {
	sequence uint64
	data     []byte // nil if it must be fetched again
}

// print prints results until it has printed the number received from total.
func (p *printer) print(ctx context.Context, total <-chan int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	arrivals, err := p.arrivals(ctx)
	if err != nil {
		return err
	}
	for n := -1; n < 0 || p.printed < n; {
		select {
		case n = <-total:
		case a := <-arrivals:
			if err := p.arrived(ctx, a); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// arrivals returns all results, in the order in which they were stored. The consumer survives lost
// connections without missing any.
func (p *printer) arrivals(ctx context.Context) (<-chan arrival, error) {
	var messages jetstream.MessagesContext
	err := p.persist(ctx, func() error {
		consumer, err := p.js.OrderedConsumer(ctx, resultsStream, jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{"fleet.results." + p.run + ".*"},
		})
		if err == nil {
			messages, err = consumer.Messages()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, messages.Stop)
	arrivals := make(chan arrival)
	go func() {
		for ctx.Err() == nil {
			msg, err := messages.Next()
			if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return
			}
			if err != nil {
				select {
				case <-ctx.Done():
				case <-time.After(250 * time.Millisecond):
				}
				continue
			}
			a := arrival{data: msg.Data()}
			if m, err := msg.Metadata(); err == nil {
				a.sequence = m.Sequence.Stream
			}
			select {
			case arrivals <- a:
			case <-ctx.Done():
			}
		}
	}()
	return arrivals, nil
}

// arrived prints the results that can be printed after a has arrived.
func (p *printer) arrived(ctx context.Context, a arrival) error {
	r := new(result)
	if err := json.Unmarshal(a.data, r); err != nil {
		return fmt.Errorf("invalid result: %w", err)
	}
	if !p.keepOrder || r.Index == p.printed {
		if err := p.printResult(ctx, r); err != nil {
			return err
		}
		return p.printWaiting(ctx)
	}
	if p.held += len(a.data); p.held > p.maxHeld { // fetch it again when its turn comes
		p.held -= len(a.data)
		a.data = nil
	}
	p.waiting[r.Index] = a
	return nil
}

// printWaiting prints the waiting results that follow the one printed last.
func (p *printer) printWaiting(ctx context.Context) error {
	for {
		a, ok := p.waiting[p.printed]
		if !ok {
			return nil
		}
		delete(p.waiting, p.printed)
		p.held -= len(a.data)
		if a.data == nil {
			if err := p.persist(ctx, func() (err error) {
				msg, err := p.results.GetMsg(ctx, a.sequence)
				if err == nil {
					a.data = msg.Data
				}
				return err
			}); err != nil {
				return err
			}
		}
		r := new(result)
		if err := json.Unmarshal(a.data, r); err != nil {
			return err
		}
		if err := p.printResult(ctx, r); err != nil {
			return err
		}
	}
}

// printResult prints the output of a job and, if the job failed, the reason.
func (p *printer) printResult(ctx context.Context, r *result) error {
	endOfStderr := byte('\n')
	write := func(pieces []piece) error {
		for _, piece := range pieces {
			w := p.stdout
			if piece.Stderr {
				w = p.stderr
				endOfStderr = piece.Data[len(piece.Data)-1]
			}
			if _, err := w.Write(piece.Data); err != nil && !piece.Stderr {
				return err
			}
		}
		return nil
	}
	for n := range r.Chunks {
		pieces, err := p.chunk(ctx, outputSubject(p.run, r.Index, r.Attempt, n))
		if err != nil {
			return err
		}
		if err := write(pieces); err != nil {
			return err
		}
	}
	if err := write(r.Output); err != nil {
		return err
	}
	p.printed++
	if r.Error == "" {
		return nil
	}
	p.failed++
	var report bytes.Buffer
	if endOfStderr != '\n' {
		report.WriteByte('\n')
	}
	fmt.Fprintf(&report, "fleet: %s: %s", r.Name, r.Error)
	if r.Worker != "" {
		fmt.Fprintf(&report, " (on %s)", r.Worker)
	}
	report.WriteByte('\n')
	p.stderr.Write(report.Bytes())
	return nil
}

// chunk fetches a chunk of the output of a job.
func (p *printer) chunk(ctx context.Context, subject string) (pieces []piece, err error) {
	err = p.persist(ctx, func() error {
		msg, err := p.results.GetLastMsgForSubject(ctx, subject)
		if err != nil {
			return err
		}
		return json.Unmarshal(msg.Data, &pieces)
	})
	return pieces, err
}
