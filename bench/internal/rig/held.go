package rig

import (
	"os"
	"runtime/metrics"
	"sync"
	"time"
)

// Held is a set of children that live until they are released or killed.
type Held struct {
	Commands  []Cmd
	Processes []*os.Process

	pkg      Package
	programs *Programs
	in, out  *os.File // the pipe that is the standard input of all children
	waited   bool
	waiting  sync.WaitGroup
}

// Hold starts n children. They exit when this process exits, for whatever reason.
func Hold(pkg Package, programs *Programs, n int) (*Held, error) {
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	h := &Held{pkg: pkg, programs: programs, in: in, out: out}
	for range n {
		c, p, err := h.Start()
		if err != nil {
			h.Release()
			return nil, err
		}
		h.Commands = append(h.Commands, c)
		h.Processes = append(h.Processes, p)
	}
	return h, nil
}

// Start starts one more child. The caller must wait for it.
func (h *Held) Start() (Cmd, *os.Process, error) {
	c, fields := h.pkg.Command(nil, h.programs.Hold[0], h.programs.Hold[1:]...)
	fields.Stdin = h.in
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	return c, fields.Process, nil
}

// Wait waits for each child in a goroutine of its own, and returns when these goroutines have
// blocked.
func (h *Held) Wait() {
	for i := range h.Commands {
		h.WaitFor(i, func() {})
	}
	Settle()
}

// WaitFor starts a goroutine that waits for child i and then calls f. If it is called for one
// child, it must be called for all.
func (h *Held) WaitFor(i int, f func()) {
	h.waited = true
	c := h.Commands[i]
	h.waiting.Go(func() {
		c.Wait()
		f()
	})
}

// Restart replaces child i, which must have been waited for, by a new one.
func (h *Held) Restart(i int) (err error) {
	h.Commands[i], h.Processes[i], err = h.Start()
	return err
}

// Kill kills the children.
func (h *Held) Kill() error {
	for _, p := range h.Processes {
		if err := p.Kill(); err != nil {
			return err
		}
	}
	return nil
}

// Reap blocks until all children have been waited for. They must have been killed or released.
func (h *Held) Reap() {
	if !h.waited {
		for _, c := range h.Commands {
			c.Wait()
		}
	}
	h.waiting.Wait()
}

// Release ends the children, and blocks until they have been waited for.
func (h *Held) Release() {
	h.in.Close()
	h.out.Close()
	h.Reap()
}

// Settle blocks until the number of threads of this process has not changed for a while and no
// goroutine is runnable: whatever was about to block has blocked.
func Settle() {
	const interval, enough = 10 * time.Millisecond, 5
	runnable := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	for same, last := 0, 0; same < enough; {
		time.Sleep(interval)
		metrics.Read(runnable)
		if n := Status("Threads"); n == last && runnable[0].Value.Uint64() == 0 {
			same++
		} else {
			same, last = 0, n
		}
	}
}
