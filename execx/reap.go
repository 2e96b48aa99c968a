package execx

import (
	"os"
	"time"

	"go.execx.dev/internal/pidfd"
)

// end collects the exit status of the process, which has ended. p.mu is held.
func (p *child) end() {
	p.leaveAlone()
	switch {
	case p.returnsStops(): // which may block, if somebody else takes a stop
		p.block()
	case p.execWait != nil:
		p.endLater()
	default:
		state, err := p.reap(p.process)
		if state == nil && isStolen(err) && p.process.StatusLater() {
			p.endLater()
			return
		}
		p.collected(unlessStolen(p.process, state, err))
	}
}

// endLater is end in a goroutine, for what takes a while. p.mu is held.
func (p *child) endLater() {
	p.phase = reaping
	p.tellEarly()
	process := p.process
	go func() { p.settle(p.collect(process)) }()
}

// block has a goroutine wait for the process. p.mu is held.
func (p *child) block() {
	stats.fallbackWaits.Add(1)
	p.leaveAlone()
	p.phase = blocked
	process := p.process
	if p.traced { // there is no telling its end from its stops
		go func() { p.settle(p.collect(process)) }()
		return
	}
	go func() {
		if process.Block() != nil { // it is all the same
			p.settle(p.collect(process))
			return
		}
		p.mu.Lock()
		defer p.unlock()
		p.phase = unwatched
		p.seen()
	}()
}

// collect collects the exit status, and blocks until the process has ended, os/exec has done its
// copying, and the status has come of a process that was stolen.
func (p *child) collect(process pidfd.Process) (*os.ProcessState, error) {
	var state *os.ProcessState
	var err error
	if p.execWait != nil {
		state, err = p.execWait()
	}
	// os/exec only waits for its copying if the program has released the process.
	if p.execWait == nil || state == nil && process.OS != p.theirs.Load() {
		state, err = p.reap(process)
	}
	if state == nil && isStolen(err) {
		process.AwaitStatus(10 * time.Millisecond)
	}
	return unlessStolen(process, state, err)
}

// settle notes what collect has returned.
func (p *child) settle(state *os.ProcessState, err error) {
	p.mu.Lock()
	defer p.unlock()
	if p.custody == closed && stopped(state) { // which is not what it was closed for
		p.phase = unwatched
		p.reopen()
		return
	}
	p.collected(state, err)
	if p.custody == dropped {
		p.forget()
	}
}

// reap collects the exit status of the process.
func (p *child) reap(process pidfd.Process) (*os.ProcessState, error) {
	state, err := process.Wait(p.started)
	if err == nil {
		err = exitError(state)
	}
	return state, err
}

func exitError(state *os.ProcessState) error {
	if state.Success() {
		return nil
	}
	return &ExitError{ProcessState: state}
}
