package main

import (
	"bytes"
	"sync"
)

// An inbox is a pipe whose writer never waits: what is not read yet is kept. One
// goroutine may read from it while another one writes.
type inbox struct {
	mu    sync.Mutex
	ready sync.Cond // something was written, or the end is known
	buf   bytes.Buffer
	n     int64 // how much was ever written
	end   error // what Read returns when there is nothing left, or nil
}

func newInbox() *inbox {
	b := new(inbox)
	b.ready.L = &b.mu
	return b
}

// Write never fails. After close it drops what is written.
func (b *inbox) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += int64(len(p))
	if b.end == nil {
		b.buf.Write(p)
		b.ready.Signal()
	}
	return len(p), nil
}

func (b *inbox) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.buf.Len() == 0 {
		if b.end != nil {
			return 0, b.end
		}
		b.ready.Wait()
	}
	return b.buf.Read(p)
}

// close says how Read ends, unless that was said before.
func (b *inbox) close(end error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end == nil {
		b.end = end
		b.ready.Signal()
	}
}

// written returns how much was ever written.
func (b *inbox) written() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}
