package reaper

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/pidfd"
)

// grace is how long a zombie is left to somebody who may be waiting for it by its
// number. Such a wait is in most cases under way when the child ends, and
// then takes no longer than a thread needs to be scheduled, on a machine however
// busy. A longer one would not be free, because it keeps numbers from being
// used again, and containers are often limited to few.
//
// blindGrace is the same where os, too, waits by number. It is for programs that look
// after a child some time after it has ended, and as under os/exec expect it
// to be there.
var (
	grace      = time.Second
	graceByPID = 10 * time.Second
)

// lookEvery is the time between two looks at the children while any is a zombie.
// idleEvery is the time between them otherwise: the end of a child raises
// SIGCHLD, but the program may have taken that signal away from us.
var (
	scanInterval = time.Second
	idleInterval = 10 * time.Second
)

// A look computes in proportion to the children and descriptors of the program. The
// pause after it is never less than leastPause, nor than idleShare times what it took to find out
// what there is to do.
const (
	minPause    = time.Millisecond
	pauseFactor = 10
)

// patience is how long Reap tries to have the main thread, which the program is likely to be on as
// it begins. It does not subscribe to signals meanwhile: os/signal may take that thread.
const mainThreadTimeout = time.Second

// mostHunts is how often the runtime is asked for its idle threads, to find the main one. Each time it
// may make one more.
const maxSearches = 3

// Reap reaps until ctx is done, and returns ctx.Err(). own tells the numbers of children
// that are somebody's in any case, which are not 0 in the map.
func Reap(ctx context.Context, own func() map[int]int) error {
	r := &reaper{own: own}
	searches := 0
	for retry := time.Millisecond; retry < mainThreadTimeout && searches < maxSearches && ctx.Err() == nil; retry *= 2 {
		ran, searched := onMainThread(func() {
			r.main = &mainThread{}
			r.runWithSignals(ctx)
		})
		if ran {
			return ctx.Err()
		}
		if searched {
			searches++
		}
		soon, cancel := context.WithTimeout(ctx, retry)
		r.run(soon)
		cancel()
	}
	r.runWithSignals(ctx)
	return ctx.Err()
}

// A reaper reaps the children that are nobody's: those of which that is certain at once,
// the others when they have been zombies for some time.
type reaper struct {
	own     func() map[int]int
	seen    map[int]seenZombie // of zombies that nobody holds, by their numbers
	pidfds  map[int]int        // a pidfd of each of the others
	main    *mainThread        // nil if that is not had
	signals chan os.Signal     // nil while there is no subscription
	cost    time.Duration      // of the last look, but for what it did about zombies
	nextPID int                // the number to be probed next
}

// A sighting is when a zombie was first seen.
type seenZombie struct {
	process
	at time.Time
}

// runWithSignals is run that also looks when a child has ended.
func (r *reaper) runWithSignals(ctx context.Context) {
	r.signals = make(chan os.Signal, 1)
	defer signal.Stop(r.signals)
	r.run(ctx)
}

// run looks at the children until ctx is done.
func (r *reaper) run(ctx context.Context) {
	for ctx.Err() == nil {
		if r.signals != nil && !signal.Ignored(unix.SIGCHLD) { // else the kernel reaps, unless we subscribe
			signal.Notify(r.signals, unix.SIGCHLD)
		}
		left := r.scan(time.Now())
		pause := min(max(minPause, pauseFactor*r.cost), idleInterval)
		if r.main == nil { // nothing is reaped at once
			pause = max(pause, scanInterval)
		}
		wait := idleInterval
		if left {
			wait = scanInterval
		}
		r.await(ctx, pause, wait)
	}
}

// await returns when there may be something to reap, but not before pause has passed.
func (r *reaper) await(ctx context.Context, pause, wait time.Duration) {
	next := time.NewTimer(max(pause, wait))
	defer next.Stop()
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		select {
		case <-r.signals:
			if r.main == nil || pidfd.ThreadZombie() != 0 {
				return
			}
			pause = minPause
			if wait > scanInterval { // it was a child of another thread
				wait = scanInterval
				next.Reset(wait)
			}
		case <-next.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// turn is held by the reaper that looks: the pidfds that it uses would make
// another one believe that the process is somebody's.
var scanMu sync.Mutex

// look reaps the zombies that are nobody's, and reports whether there are any left.
func (r *reaper) scan(now time.Time) (left bool) {
	r.cost = 0
	if pid, hidden := pidfd.Zombie(); pid == 0 && !hidden {
		r.seen, r.pidfds = nil, nil
		r.main.adopted(nil)
		return false
	}
	scanMu.Lock()
	defer scanMu.Unlock()
	began := r.clock()
	zombies, err := r.zombies()
	var byPID bool
	if err == nil {
		byPID, err = r.updatePidfds(zombies)
	}
	if err != nil { // whatever it is, all may be held
		r.main.adopted(nil)
		return true
	}
	r.cost = r.clock() - began

	seen := make(map[int]seenZombie)
	var unknown []process
	for _, pid := range zombies {
		if _, held := r.pidfds[pid]; held {
			continue
		}
		if s, ok := r.seen[pid]; ok {
			seen[pid] = s
		} else if z, ok := identify(pid); ok {
			seen[pid] = seenZombie{z, now}
			unknown = append(unknown, z)
		}
	}
	adopted, grace := r.main.adopted(unknown), grace
	if byPID { // what ended threads have left to the main one may be os's
		adopted, grace = nil, graceByPID
	}
	own := sync.OnceValue(r.own)
	for pid, s := range seen {
		due := now.Sub(s.at) >= grace || adopted[s.process]
		switch {
		case !due || own()[pid] > 0:
		case pidfd.ReapZombie(pid, s.isCurrent):
			delete(seen, pid)
		case !s.isCurrent(): // that was another one
			delete(seen, pid)
		}
	}
	r.seen = seen
	pid, _ := pidfd.Zombie()
	return pid != 0 || len(r.pidfds) > 0 || len(seen) > 0
}

// hold sets r.pidfds, and reports whether it can never be told who they are. If there is an error,
// that can't be told at this time.
func (r *reaper) updatePidfds(zombies []int) (byPID bool, err error) {
	pidfds := make(map[int]int)
	for _, pid := range zombies {
		if fd, ok := r.pidfds[pid]; ok && pidfd.ZombieOf(fd) == pid {
			pidfds[pid] = fd
		}
	}
	r.pidfds = pidfds
	if len(pidfds) == len(zombies) { // as where nobody waits for what has ended
		return false, nil
	}
	all, err := pidfd.ZombiePidfds()
	switch {
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return true, nil
	case err != nil:
		return false, err
	}
	for _, pid := range zombies {
		if fds := all[pid]; len(fds) > 0 {
			pidfds[pid] = fds[0]
		}
	}
	return false, nil
}

// clock returns how long the thread of the reaper has computed, or if it has none of its own, a time.
func (r *reaper) clock() time.Duration {
	clock := int32(unix.CLOCK_MONOTONIC)
	if r.main != nil {
		clock = unix.CLOCK_THREAD_CPUTIME_ID
	}
	var t unix.Timespec
	unix.ClockGettime(clock, &t)
	return time.Duration(t.Nano())
}
