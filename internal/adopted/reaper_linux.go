package adopted

import (
	"context"
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
	blindGrace = 10 * time.Second
)

// lookEvery is the time between two looks at the children while any is a zombie.
// idleEvery is the time between them otherwise: the end of a child raises
// SIGCHLD, but the program may have taken that signal away from us.
var (
	lookEvery = time.Second
	idleEvery = 10 * time.Second
)

// Reap reaps until ctx is done, and returns ctx.Err(). Where there are no pidfds,
// own tells the numbers of children that are somebody's, which are not 0 in the map.
func Reap(ctx context.Context, own func() map[int]int) error {
	signals := make(chan os.Signal, 1)
	defer signal.Stop(signals)
	r := reaper{own: own}
	for ctx.Err() == nil {
		if !signal.Ignored(unix.SIGCHLD) { // else the kernel reaps, unless we subscribe
			signal.Notify(signals, unix.SIGCHLD)
		}
		if !r.look(time.Now()) {
			select {
			case <-signals:
			case <-time.After(idleEvery):
			case <-ctx.Done():
			}
		}
		// However many children end, and however many zombies are there to stay.
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// A reaper reaps the zombies that it has seen for some time.
type reaper struct {
	own  func() map[int]int
	seen map[process]time.Time // when each zombie was first seen
}

// turn is held by the reaper that looks: the pidfds that it uses would make
// another one believe that the process is somebody's.
var turn sync.Mutex

// look reaps the zombies that are nobody's, and reports whether there are any left.
func (r *reaper) look(now time.Time) (left bool) {
	if pid, hidden := pidfd.Zombie(); pid == 0 && !hidden {
		r.seen = nil
		return false
	}
	turn.Lock()
	defer turn.Unlock()
	zombies := zombies()
	held, grace := r.held()
	seen := make(map[process]time.Time)
	for _, z := range zombies {
		if held[z.pid] > 0 {
			left = true
			continue
		}
		first, ok := r.seen[z]
		if !ok {
			first = now
		}
		if now.Sub(first) < grace || !pidfd.ReapZombie(z.pid, z.alike) {
			seen[z] = first
		}
	}
	r.seen = seen
	pid, _ := pidfd.Zombie()
	return pid != 0 || left || len(seen) > 0
}

// held returns the zombies, seen before, that are somebody's, and how long to wait for
// those of whom it can't tell.
func (r *reaper) held() (map[int]int, time.Duration) {
	if pidfd.Supported() && procIsOurs() {
		if held, err := pidfd.HeldZombies(); err == nil {
			return held, grace
		}
	}
	return r.own(), blindGrace
}
