package pidfd

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// A census is one look at the groups of all processes, for all who ask before it begins.
type census struct {
	once  sync.Once
	asked map[int]bool // the groups; guarded by censuses.mu until the look begins
	dead  map[int]bool // those of them that have zombies only, once it is over
}

var censuses struct {
	taking sync.Mutex // held while one is taken

	mu   sync.Mutex    // guards everything below
	next *census       // has not begun; nil if nobody has asked
	rest time.Duration // until when, by now, nobody should ask who can wait
}

// lookAround reports whether a process of that group has not ended, or none of it is to be seen.
func lookAround(group int) bool {
	censuses.mu.Lock()
	c := censuses.next
	if c == nil {
		c = &census{asked: make(map[int]bool)}
		censuses.next = c
	}
	c.asked[group] = true
	censuses.mu.Unlock()
	c.once.Do(c.take)
	return !c.dead[group]
}

func (c *census) take() {
	censuses.taking.Lock()
	defer censuses.taking.Unlock()
	censuses.mu.Lock()
	censuses.next = nil
	censuses.mu.Unlock()

	began := now()
	alive := make(map[int]bool)
	c.dead = make(map[int]bool)
	for _, stat := range procfs.Groups(c.asked) {
		if stat.Alive() {
			alive[stat.Group] = true
		} else {
			c.dead[stat.Group] = true
		}
	}
	for group := range alive {
		delete(c.dead, group)
	}
	if !procfs.Ours() { // it shows others
		clear(c.dead)
	}

	ended := now()
	censuses.mu.Lock()
	defer censuses.mu.Unlock()
	censuses.rest = ended + min(share*(ended-began), longest)
}

// now returns the time since boot. That of package time may be the time of a bubble of
// testing/synctest.
func now() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano())
}

// share is the part of the time, one in so many, that looking around takes at most if all rest
// who can, but they do no longer than the longest.
const (
	share   = 20
	longest = 200 * time.Millisecond
)

// Rest returns how long a caller of [Group.Alive] is to wait who asks repeatedly: all who do are
// then served by one look.
func Rest() time.Duration {
	censuses.mu.Lock()
	defer censuses.mu.Unlock()
	return max(0, censuses.rest-now())
}

// Pause blocks a thread for d, which is not the time of a bubble of testing/synctest.
func Pause(d time.Duration) bool {
	unix.Poll(nil, int((d + time.Millisecond - 1).Milliseconds()))
	return true
}
