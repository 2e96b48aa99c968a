package reaper

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
)

var procUsable = procfs.Usable // changed by tests

// A process is named by its number and, lest that was used again, by the time it
// started, as in proc_pid_stat(5). The time is empty where /proc does not tell.
type process struct {
	pid     int
	started string
}

// alike reports whether the number of p is still that of p.
func (p process) isCurrent() bool {
	now, ok := identify(p.pid)
	return ok && now == p
}

// identify fails if /proc does not tell at this time.
func identify(pid int) (p process, ok bool) {
	if !procUsable() {
		return process{pid: pid}, true
	}
	stat, ok := procfs.Read(pid)
	return process{pid: pid, started: stat.Started}, ok
}

// zombies returns the numbers of the children that have ended and are not reaped. Some may be
// missing, but not all: that the kernel lists children that come and go is not promised.
func (r *reaper) zombies() ([]int, error) {
	pids, err := r.children()
	if err != nil {
		return nil, err
	}
	pids = slices.DeleteFunc(pids, func(pid int) bool { return !pidfd.IsZombie(pid) })
	if pid, _ := pidfd.Zombie(); pid != 0 {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// children returns the numbers of children, and of others. They are those of all children
// where there is a /proc.
func (r *reaper) children() ([]int, error) {
	if !procUsable() {
		return r.probePIDs(), nil
	}
	pids, err := procfs.Children()
	if !errors.Is(err, fs.ErrNotExist) {
		return pids, err
	}
	self := os.Getpid()
	for pid, stat := range procfs.All() {
		if stat.Parent == self {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Without a /proc, a look probes the numbers up to the default of /proc/sys/kernel/pid_max, and
// as many others, in turn, up to its limit.
const (
	commonPIDs = 1 << 15
	maxPIDs    = 1 << 22
)

// probed returns the numbers that are probed by this look, and those of the zombies of the last.
func (r *reaper) probePIDs() (pids []int) {
	pids = slices.AppendSeq(pids, maps.Keys(r.seen))
	pids = slices.AppendSeq(pids, maps.Keys(r.pidfds))
	for i := range commonPIDs {
		pids = append(pids, i+1, commonPIDs+r.nextPID+i+1)
	}
	r.nextPID = (r.nextPID + commonPIDs) % (maxPIDs - commonPIDs)
	return pids
}
