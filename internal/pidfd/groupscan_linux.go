package pidfd

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// A groupScan is one look at the groups of all processes, for all who ask before it begins.
type groupScan struct {
	once  sync.Once
	asked map[int]bool // the groups; guarded by censuses.mu until the look begins
	dead  map[int]bool // those of them that have zombies only, once it is over
}

var groupScans struct {
	taking sync.Mutex // held while one is taken

	mu   sync.Mutex    // guards everything below
	next *groupScan    // has not begun; nil if nobody has asked
	rest time.Duration // until when, by now, nobody should ask who can wait
}

// groupAlive reports whether a process of that group has not ended, or none of it is to be seen.
func groupAlive(group int) bool {
	groupScans.mu.Lock()
	c := groupScans.next
	if c == nil {
		c = &groupScan{asked: make(map[int]bool)}
		groupScans.next = c
	}
	c.asked[group] = true
	groupScans.mu.Unlock()
	c.once.Do(c.run)
	return !c.dead[group]
}

func (c *groupScan) run() {
	groupScans.taking.Lock()
	defer groupScans.taking.Unlock()
	groupScans.mu.Lock()
	groupScans.next = nil
	groupScans.mu.Unlock()

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
	groupScans.mu.Lock()
	defer groupScans.mu.Unlock()
	groupScans.rest = ended + min(scanShare*(ended-began), maxScanDelay)
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
	scanShare    = 20
	maxScanDelay = 200 * time.Millisecond
)

// ScanDelay returns how long a caller of [Group.Alive] is to wait who asks repeatedly: all who do are
// then served by one look.
func ScanDelay() time.Duration {
	groupScans.mu.Lock()
	defer groupScans.mu.Unlock()
	return max(0, groupScans.rest-now())
}

// Pause blocks a thread for d, which is not the time of a bubble of testing/synctest.
func Pause(d time.Duration) bool {
	unix.Poll(nil, int((d + time.Millisecond - 1).Milliseconds()))
	return true
}
