package execx

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
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
	defer p.unlockAndStop()
	if p.custody != held {
		return false
	}
	// Nobody uses the pipes of StdinPipe and its like any more, or somebody does
	// without the Cmd. Either way they are not ours to close.
	p.pipes = copiedPipes(p.pipes)
	switch {
	case p.traced: // its context may still end it, and nobody but its tracer reaps it
		live.remove(p)
		if p.group != nil {
			runtime.AddCleanup(p, (*pidfd.Group).Close, p.group)
		}
		return false
	case p.phase >= reaped:
		p.forgetLocked()
		return false
	}
	key, released := p.key, p.process.Released()
	var own pidfd.Process
	var err error
	if released {
		own, err = p.process.Reopen(p.started)
	} else {
		own, err = p.process.AfterGarbage(p.started, func(own pidfd.Process) { forgetChild(key, own) })
	}
	p.unwatchLocked()
	if err != nil && p.phase >= blocked { // settle will forget it
		p.custody = dropped
		return false
	}
	if err != nil { // they have reaped it
		p.setExitedLocked(nil, err)
		p.forgetLocked()
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
var unclaimed unreachable

// rescanInterval is the time between two looks, and so the least that an unclaimed child is left
// a zombie.
var rescanInterval = time.Second // changed by tests

// unreachable are looked at in turns, while there are any.
type unreachable struct {
	mu  sync.Mutex      // guards everything below; no child is locked while it is held
	all map[*child]bool // and whether it was a zombie when last looked at
}

// add has p looked at, from now on until it is over.
func (u *unreachable) add(p *child) {
	if _, over := p.scan(false, nil); over {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = make(map[*child]bool)
		time.AfterFunc(rescanInterval, u.scan)
	}
	u.all[p] = false
}

// scan looks at all, and arranges for the next look if any are left.
func (u *unreachable) scan() {
	began := time.Now()
	u.mu.Lock()
	all := maps.Clone(u.all)
	u.mu.Unlock()
	var over []*child
	named := heldAnywhere
	if slices.Contains(slices.Collect(maps.Values(all)), true) {
		named = heldElsewhere()
	}
	for p, before := range all {
		zombie, isOver := p.scan(before, named)
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
	// However many they are, looking takes about a hundredth of a CPU.
	time.AfterFunc(max(rescanInterval, min(100*time.Since(began), 10*time.Second)), u.scan)
}

// heldElsewhere returns what tells whether there are more pidfds of a zombie in the program
// than those of the children here.
func heldElsewhere() func(pid int) bool {
	held, err := pidfd.HeldZombies()
	if errors.Is(err, fs.ErrNotExist) { // without a /proc there is no telling
		return heldNowhere
	}
	if err != nil { // no descriptor is left to ask with
		return heldAnywhere
	}
	for _, p := range live.all() {
		p.mu.Lock()
		if held[p.process.Pid] > 0 {
			held[p.process.Pid] -= p.process.Pidfds() + p.group.Pidfds()
		}
		p.mu.Unlock()
	}
	return func(pid int) bool { return held[pid] > 0 }
}

func heldAnywhere(pid int) bool { return true }
func heldNowhere(pid int) bool  { return false }

// scan reports whether an unclaimed child is a zombie. If it was one before and nothing else
// in the program names it, it is reaped. What is over need not be looked at again.
func (p *child) scan(before bool, named func(pid int) bool) (zombie, over bool) {
	p.mu.Lock()
	defer p.unlockAndStop()
	unreaped, err := p.process.Unreaped(p.started)
	if err != nil { // for want of a descriptor, say
		return before, false
	}
	if !unreaped {
		p.setExitedLocked(nil, os.ErrProcessDone)
	}
	p.forgetLocked()
	if p.phase >= reaped {
		return false, true
	}
	zombie, err = p.process.Exited()
	if errors.Is(err, errors.ErrUnsupported) {
		p.blockLocked()
		return false, true
	}
	if !zombie || !before || p.pinnedLocked(true) {
		return zombie, false
	}
	if named(p.process.Pid) {
		return true, false
	}
	p.collectLocked()
	return false, true
}
