package pidfd

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// A groupScan is one scan of /proc. It serves all callers of groupAlive that arrive before it
// starts.
type groupScan struct {
	once   sync.Once
	groups map[int]bool // the groups to look for; guarded by groupScans.mu until the scan starts
	dead   map[int]bool // those that consist of zombies, once the scan is complete
}

var groupScans struct {
	runMu sync.Mutex // held during a scan; locked before mu

	mu         sync.Mutex    // guards everything below
	next       *groupScan    // has not started; nil if there is no caller
	pauseUntil time.Duration // as returned by now
}

// groupAlive reports whether a process of the group has not ended. It returns true if the scan
// finds no process of the group.
func groupAlive(group int) bool {
	groupScans.mu.Lock()
	s := groupScans.next
	if s == nil {
		s = &groupScan{groups: make(map[int]bool)}
		groupScans.next = s
	}
	s.groups[group] = true
	groupScans.mu.Unlock()
	s.once.Do(s.run)
	return !s.dead[group]
}

func (s *groupScan) run() {
	groupScans.runMu.Lock()
	defer groupScans.runMu.Unlock()
	groupScans.mu.Lock()
	groupScans.next = nil
	groupScans.mu.Unlock()

	began := now()
	alive := make(map[int]bool)
	s.dead = make(map[int]bool)
	for _, stat := range procfs.Groups(s.groups) {
		if stat.Alive() {
			alive[stat.Group] = true
		} else {
			s.dead[stat.Group] = true
		}
	}
	for group := range alive {
		delete(s.dead, group)
	}
	if !procfs.Usable() { // another PID namespace
		clear(s.dead)
	}

	ended := now()
	groupScans.mu.Lock()
	defer groupScans.mu.Unlock()
	groupScans.pauseUntil = ended + min(scanShare*(ended-began), maxScanDelay)
}

// now returns the time since boot. In a bubble of testing/synctest, time.Now would return the
// bubble's time.
func now() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano())
}

// Scans take at most one part in scanShare of the time if all callers honor ScanDelay, which is
// never more than maxScanDelay.
const (
	scanShare    = 20
	maxScanDelay = 200 * time.Millisecond
)

// ScanDelay returns how long a caller that polls [Group.Alive] should wait between two calls. One
// scan then serves all such callers.
func ScanDelay() time.Duration {
	groupScans.mu.Lock()
	defer groupScans.mu.Unlock()
	return max(0, groupScans.pauseUntil-now())
}

// Pause blocks the thread for d in real time, even in a bubble of testing/synctest.
func Pause(d time.Duration) bool {
	unix.Poll(nil, int((d + time.Millisecond - 1).Milliseconds()))
	return true
}
