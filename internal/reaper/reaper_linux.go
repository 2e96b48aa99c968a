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
	"go.execx.dev/internal/realtime"
)

// grace is how long a zombie is left to code that may wait for it by its PID. Such a wait has
// usually begun when the child ends, and then takes only as long as a thread needs to be scheduled,
// even on a busy machine. A longer period would have a cost: zombies occupy PIDs, of which a
// container often has few.
//
// graceByPID is the grace period on systems where package os waits by PID, too. It is for programs
// that call Wait some time after a child has ended, and expect the child to be there, as with
// os/exec.
var (
	grace      = time.Second
	graceByPID = 10 * time.Second
)

// scanInterval is the time between scans of the children while there are zombies. idleInterval is
// the time between scans otherwise: the end of a child raises SIGCHLD, but the program may have
// changed what that signal does.
var (
	scanInterval = time.Second
	idleInterval = 10 * time.Second
)

// The cost of a scan is proportional to the number of children and descriptors of the program. The
// pause after a scan is at least minPause, and at least pauseFactor times as long as the scan has
// taken, not counting the reaping.
const (
	minPause    = time.Millisecond
	pauseFactor = 10
)

// mainThreadTimeout is how long Reap tries to take over the main thread, on which the program
// probably runs at first. Reap does not subscribe to signals meanwhile, because os/signal may
// occupy that thread.
const mainThreadTimeout = time.Second

// maxSearches limits how often Reap searches the idle threads of the runtime for the main thread.
// Each search may make the runtime create a thread.
const maxSearches = 3

// Reap reaps adopted children until ctx is done, and returns ctx.Err(). The children whose PIDs own
// maps to a positive number are never reaped.
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

// A reaper reaps adopted children: at once if a child was certainly adopted, otherwise when it has
// been a zombie for the grace period.
type reaper struct {
	own     func() map[int]int
	seen    map[int]seenZombie // zombies without a pidfd, by PID
	pidfds  map[int]int        // one pidfd of each other zombie, by PID
	main    *mainThread        // nil without control of the main thread
	signals chan os.Signal     // nil while not subscribed
	cost    time.Duration      // of the last scan, without the reaping
	nextPID int                // the PID to probe next
}

// A seenZombie is a zombie with the time when it was first seen.
type seenZombie struct {
	process
	at time.Time
}

// runWithSignals is like run, but also scans when a child has ended. In a bubble of
// testing/synctest, it does the same as run: os/signal, which is outside, must not use a channel of
// the bubble.
func (r *reaper) runWithSignals(ctx context.Context) {
	if realtime.InBubble() {
		r.run(ctx)
		return
	}
	r.signals = make(chan os.Signal, 1)
	defer signal.Stop(r.signals)
	r.run(ctx)
}

// run scans the children until ctx is done.
func (r *reaper) run(ctx context.Context) {
	for ctx.Err() == nil {
		// If SIGCHLD is ignored, the kernel reaps. Notify would change that.
		if r.signals != nil && !signal.Ignored(unix.SIGCHLD) {
			signal.Notify(r.signals, unix.SIGCHLD)
		}
		left := r.scan(time.Now())
		pause := min(max(minPause, pauseFactor*r.cost), idleInterval)
		if r.main == nil { // no child is reaped at once
			pause = max(pause, scanInterval)
		}
		wait := idleInterval
		if left {
			wait = scanInterval
		}
		r.await(ctx, pause, wait)
	}
}

// await returns when there may be a child to reap, but not before pause has passed.
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

// scanMu is held during a scan. The pidfds used by a scan would make another reaper take a zombie
// for one that the program holds.
var scanMu sync.Mutex

// scan reaps the zombies that no other code may wait for, and reports whether any zombies are left.
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
	if err != nil { // the program may hold any of them
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
	if byPID { // children left to the main thread may belong to package os
		adopted, grace = nil, graceByPID
	}
	own := sync.OnceValue(r.own)
	for pid, s := range seen {
		due := now.Sub(s.at) >= grace || adopted[s.process]
		switch {
		case !due || own()[pid] > 0:
		case pidfd.ReapZombie(pid, s.isCurrent):
			delete(seen, pid)
		case !s.isCurrent(): // the PID was reused
			delete(seen, pid)
		}
	}
	r.seen = seen
	pid, _ := pidfd.Zombie()
	return pid != 0 || len(r.pidfds) > 0 || len(seen) > 0
}

// updatePidfds sets r.pidfds. byPID reports whether the pidfds can never be known. The error is
// non-nil if they are unknown at this time.
func (r *reaper) updatePidfds(zombies []int) (byPID bool, err error) {
	pidfds := make(map[int]int)
	for _, pid := range zombies {
		if fd, ok := r.pidfds[pid]; ok && pidfd.ZombieOf(fd) == pid {
			pidfds[pid] = fd
		}
	}
	r.pidfds = pidfds
	if len(pidfds) == len(zombies) { // the usual case if no adopted child has ended
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

// clock returns the CPU time used by the thread of the reaper, or the monotonic time if the reaper
// has no thread of its own.
func (r *reaper) clock() time.Duration {
	clock := int32(unix.CLOCK_MONOTONIC)
	if r.main != nil {
		clock = unix.CLOCK_THREAD_CPUTIME_ID
	}
	var t unix.Timespec
	unix.ClockGettime(clock, &t)
	return time.Duration(t.Nano())
}
