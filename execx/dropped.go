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

// This file handles children whose Cmd became unreachable without Close. All of it runs in
// cleanups, or in timers that were started by them, and so never in a testing/synctest bubble with
// its fake clock.

// dropChild is the cleanup of the Cmd of a child.
func dropChild(key uint64) {
	if p := live.get(key); p != nil && p.drop() {
		unreachableChildren.add(p)
	}
}

// drop is called when the Cmd of p is unreachable. It reports whether its os.Process is of no use
// to the program either, because that has released it.
func (p *child) drop() (forgotten bool) {
	p.mu.Lock()
	defer p.unlockAndStop()
	if p.custody != held {
		return false
	}
	// If the program still uses the pipes of StdinPipe, StdoutPipe or StderrPipe it does so without
	// the Cmd. The garbage collector closes them.
	p.pipes = copiedPipes(p.pipes)
	switch {
	case p.traced: // only its tracer may reap it; its context may still end it
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
	if err != nil && p.phase >= blocked { // finishCollect will forget it
		p.custody = dropped
		return false
	}
	if err != nil { // the program has reaped it
		p.setExitedLocked(nil, err)
		p.forgetLocked()
		return false
	}
	p.process, p.custody = own, dropped
	p.cmdProcess.Store(nil)
	return released
}

// forgetChild is the cleanup of the os.Process of a dropped child.
func forgetChild(key uint64, own pidfd.Process) {
	if p := live.get(key); p != nil {
		p.mu.Lock()
		p.process = own
		p.mu.Unlock()
		unreachableChildren.add(p)
	}
}

// unreachableChildren are the children whose Cmd and os.Process are unreachable. The program may
// still wait for one by its PID or another pidfd, so they are scanned from time to time, and reaped
// if two scans find them zombies.
var unreachableChildren childScanner

// rescanInterval is the time between two scans, and so the least time that an unreachable child
// remains a zombie.
var rescanInterval = time.Second // changed by tests

// maxPidfds is the number of unreachable children that keep a pidfd. A program can leave thousands
// running, of which os/exec keeps none. The others are identified by PID and start time, which
// takes longer to scan.
const maxPidfds = 100

// A childScanner scans children periodically, while there are any.
type childScanner struct {
	mu  sync.Mutex      // guards everything below; no child is locked while it is held
	all map[*child]bool // whether the last scan has found a zombie
}

// add adds p, which is scanned until it is reaped or can't be.
func (u *childScanner) add(p *child) {
	if _, over := p.scan(false, nil); over {
		return
	}
	if u.insert(p) > maxPidfds {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.phase == unwatched {
			p.process = p.process.ByPID()
		}
	}
}

// insert adds p and returns the number of children.
func (u *childScanner) insert(p *child) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = make(map[*child]bool)
		time.AfterFunc(rescanInterval, u.scan)
	}
	u.all[p] = false
	return len(u.all)
}

// scan scans all children, and schedules the next scan if any are left.
func (u *childScanner) scan() {
	began := time.Now()
	u.mu.Lock()
	all := maps.Clone(u.all)
	u.mu.Unlock()
	var over []*child
	held := alwaysHeld
	if slices.Contains(slices.Collect(maps.Values(all)), true) {
		held = heldElsewhere()
	}
	for p, before := range all {
		zombie, isOver := p.scan(before, held)
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
	// No matter how many children there are, scanning takes about 1% of a CPU.
	time.AfterFunc(max(rescanInterval, min(100*time.Since(began), 10*time.Second)), u.scan)
}

// heldElsewhere returns a function that reports whether the program holds pidfds of a zombie other
// than those of the children in live.
func heldElsewhere() func(pid int) bool {
	pidfds, err := pidfd.ZombiePidfds()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrNotExist) { // no pidfds, or no /proc
		return neverHeld
	}
	if err != nil { // no file descriptor is left to read /proc with
		return alwaysHeld
	}
	own := make(map[int]int)
	for _, p := range live.all() {
		p.mu.Lock()
		own[p.process.Pid] += p.process.Pidfds() + p.group.Pidfds()
		p.mu.Unlock()
	}
	return func(pid int) bool { return len(pidfds[pid]) > own[pid] }
}

func alwaysHeld(pid int) bool { return true }
func neverHeld(pid int) bool  { return false }

// scan reaps an unreachable child if it is a zombie, was one before, and is not held elsewhere. It
// reports whether it is a zombie, and whether it need not be scanned again.
func (p *child) scan(before bool, held func(pid int) bool) (zombie, over bool) {
	p.mu.Lock()
	defer p.unlockAndStop()
	unreaped, err := p.process.Unreaped(p.started)
	if err != nil { // for example because no file descriptor is left
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
	if held(p.process.Pid) {
		return true, false
	}
	p.collectLocked()
	return false, true
}
