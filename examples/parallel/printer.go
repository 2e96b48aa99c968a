package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// A printer writes to the standard output and standard error in a goroutine of its own. Nothing
// else writes to them.
type printer struct {
	jobs   chan *job     // jobs to print
	status chan status   // status to draw; received only when it is time to draw
	broken chan struct{} // closed when writing to the standard output has failed
	done   chan struct{} // closed when everything is printed
	close  func()        // ends the printer after the last job; may be called repeatedly

	stdout, stderr io.Writer
	bar            *bar // nil if the standard error is not a terminal
	shared         bool // the standard output is a terminal, too: that of the bar
}

func newPrinter(stdout, stderr io.Writer) *printer {
	p := &printer{
		jobs:   make(chan *job),
		status: make(chan status),
		broken: make(chan struct{}),
		done:   make(chan struct{}),
		stdout: stdout,
		stderr: stderr,
	}
	p.close = sync.OnceFunc(func() { close(p.jobs) })
	if f, ok := asTerminal(stderr); ok {
		p.bar = newBar(f, func() int { return columns(f) })
		_, p.shared = asTerminal(stdout)
	}
	go p.run()
	return p
}

func (p *printer) run() {
	defer close(p.done)
	var tick <-chan time.Time
	if p.bar != nil {
		defer p.bar.close()
		ticker := time.NewTicker(time.Second / 10)
		defer ticker.Stop()
		tick = ticker.C
	}
	var current <-chan status // p.status if it is time to draw, or nil
	for {
		select {
		case j, ok := <-p.jobs:
			if !ok {
				return
			}
			p.print(j)
		case <-tick:
			current = p.status
		case s := <-current:
			current = nil
			p.bar.draw(s)
		}
	}
}

// print prints the output of j.
func (p *printer) print(j *job) {
	if !p.isBroken() {
		if err := p.write(p.stdout, j.stdout.Bytes(), p.shared); err != nil {
			close(p.broken)
			p.write(p.stderr, fmt.Appendf(nil, "parallel: %v\n", err), true)
		}
	}
	p.write(p.stderr, j.stderr.Bytes(), true) // there is nowhere to report a failure
}

// write writes out to w. If w shares the terminal with the bar, write first clears the bar.
func (p *printer) write(w io.Writer, out []byte, shared bool) error {
	if len(out) == 0 {
		return nil
	}
	if p.bar != nil && shared {
		p.bar.clear()
		p.bar.partial = !bytes.HasSuffix(out, []byte("\n"))
	}
	_, err := w.Write(out)
	return err
}

// isBroken reports whether writing to the standard output has failed.
func (p *printer) isBroken() bool {
	select {
	case <-p.broken:
		return true
	default:
		return false
	}
}
