package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// A printer is the only one to write to the standard output and error, in a goroutine of its own.
type printer struct {
	jobs   chan *job     // to be printed
	status chan status   // to be drawn; received only if it is time to draw
	broken chan struct{} // closed when writing to the standard output has failed
	done   chan struct{} // closed when all is printed
	close  func()        // says that this is all; may be called repeatedly

	stdout, stderr io.Writer
	bar            *bar // nil if the standard error is no terminal
	shared         bool // the standard output is a terminal: the one that has the bar
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
	var current <-chan status // p.status if the bar is due
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

// write writes out to w, after taking the bar out of its way if they share the terminal.
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
