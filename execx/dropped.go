package execx

import (
	"errors"
	"maps"
	"os"
	"sync"
	"time"

	"go.execx.dev/internal/pidfd"
)

// What becomes of a child whose Cmd was dropped, without Close. All of this runs where the
// garbage collector calls cleanups, or in timers that were started there, and so never in
// a bubble of testing/synctest, where a second may be no second.

// dropChild is called when the Cmd of a child is garbage.
func dropChild(key uint64) {
	if p := live.get(key); p != nil && p.drop() {
		unclaimed.add(p)
	}
}

// drop leaves the child to whoever has its os.Process, which is all that is left of the
// Cmd. It reports whether nobody can have that.
func (p *child) drop() (forgotten bool) {
	p.mu.Lock()
	defer p.unlock()
	if p.custody != held {
		return false
	}
	// Nobody uses the pipes of StdinPipe and its like any more, or somebody does
	// without the Cmd. Either way they are not ours to close.
	p.pipes = copiedPipes(p.pipes)
	switch {
	case p.traced: // its context may still end it, and nobody but its tracer reaps it
		live.remove(p)
		return false
	case p.phase >= reaped:
		p.abandon()
		return false
	case p.phase == blocked: // for a wait that was given up
		p.custody = dropped
		return false
	}
	p.leaveAlone()
	key, released := p.key, p.process.Released()
	var own pidfd.Process
	var err error
	if released {
		own, err = p.process.Reopen(p.started)
	} else {
		own, err = p.process.AfterGarbage(p.started, func(own pidfd.Process) { forgetChild(key, own) })
	}
	if err != nil { // they have reaped it
		p.collected(nil, err)
		p.abandon()
		return false
	}
	p.process, p.custody = own, dropped
	p.theirs.Store(nil)
	return released
}

// forgetChild is called when the os.Process of a dropped child is garbage.
func forgetChild(key uint64, own pidfd.Process) {
	if p := live.get(key); p != nil {
		p.mu.Lock()
		p.process = own
		p.mu.Unlock()
		unclaimed.add(p)
	}
}

// unclaimed are the children that the program has dropped, Cmd and os.Process. It
// may have kept the number of one, or have something else to name it with. So
// they are looked at now and then, and a zombie is reaped when it is one for the second time.
var unclaimed children

// grace is the time between two looks, and so the least that an unclaimed child is left
// a zombie.
var grace = time.Second // changed by tests

type children struct {
	mu  sync.Mutex      // guards everything below; no child is locked while it is held
	all map[*child]bool // and whether it was a zombie when last looked at
}

func (u *children) add(p *child) {
	zombie, over := p.look(false, nil)
	if over {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = make(map[*child]bool)
		time.AfterFunc(grace, u.look)
	}
	u.all[p] = zombie
}

func (u *children) look() {
	began := time.Now()
	u.mu.Lock()
	all := maps.Clone(u.all)
	u.mu.Unlock()
	var over []*child
	pidfds := sync.OnceValues(pidfd.HeldZombies)
	for p, before := range all {
		zombie, isOver := p.look(before, pidfds)
		all[p] = zombie
		if isOver {
			over = append(over, p)
		}
	}

	u.mu.Lock()
	defer u.mu.Unlock()
	maps.Copy(u.all, all)
	for _, p := range over {
		delete(u.all, p)
	}
	if len(u.all) == 0 {
		u.all = nil
		return
	}
	// However many they are, looking takes no more than a hundredth of a CPU.
	time.AfterFunc(max(grace, 100*time.Since(began)), u.look)
}

// look reports whether an unclaimed child is a zombie. If it was one before and nothing in
// the program names it, it is reaped. What is over need not be looked at again.
func (p *child) look(before bool, pidfds func() (map[int]int, error)) (zombie, over bool) {
	p.mu.Lock()
	defer p.unlock()
	unreaped, err := p.process.Unreaped(p.started)
	if err != nil { // for want of a descriptor, say
		return before, false
	}
	if !unreaped {
		p.collected(nil, os.ErrProcessDone)
	}
	p.abandon()
	if p.phase >= reaped {
		return false, true
	}
	zombie, err = p.process.Exited()
	if errors.Is(err, errors.ErrUnsupported) {
		p.block()
		return false, true
	}
	if !zombie || !before {
		return zombie, false
	}
	if held, _ := pidfds(); p.process.Named(p.group, held) { // without a /proc there is no telling
		return true, false
	}
	p.end()
	return false, true
}
