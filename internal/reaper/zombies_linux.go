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

// A process is identified by its PID and, in case the PID is reused, by its start time as in
// proc_pid_stat(5). The start time is empty if /proc does not show it.
type process struct {
	pid     int
	started string
}

// isCurrent reports whether the PID of p still belongs to p.
func (p process) isCurrent() bool {
	now, ok := identify(p.pid)
	return ok && now == p
}

// identify returns the process with the given PID. It fails if there is none, or if /proc does not
// show it at this time. With the option hidepid, /proc never shows a process of another user, such
// as that of a set-user-ID program.
func identify(pid int) (p process, ok bool) {
	if !procUsable() {
		return process{pid: pid}, true
	}
	stat, ok := procfs.Read(pid)
	return process{pid: pid, started: stat.Started}, ok || pidfd.IsZombie(pid)
}

// zombies returns the PIDs of the children that are zombies. It may miss some of them, but not all:
// the kernel does not guarantee a complete list of children while some start and end.
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

// children returns the PIDs of all children and, without a usable /proc, PIDs that may belong to
// other processes.
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

// Without a usable /proc, each scan probes the PIDs up to the default of /proc/sys/kernel/pid_max,
// and as many others, in turn, up to its limit.
const (
	commonPIDs = 1 << 15
	maxPIDs    = 1 << 22
)

// probePIDs returns the PIDs that this scan probes, and those of the zombies of the last scan.
func (r *reaper) probePIDs() (pids []int) {
	pids = slices.AppendSeq(pids, maps.Keys(r.seen))
	pids = slices.AppendSeq(pids, maps.Keys(r.pidfds))
	for i := range commonPIDs {
		pids = append(pids, i+1, commonPIDs+r.nextPID+i+1)
	}
	r.nextPID = (r.nextPID + commonPIDs) % (maxPIDs - commonPIDs)
	return pids
}
