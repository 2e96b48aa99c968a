package adopted

import (
	"bytes"
	"os"
	"strconv"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
)

// A process is named by its number and, lest that was used again, by the time it
// started, as in proc_pid_stat(5). The time is empty where /proc does not tell.
type process struct {
	pid     int
	started string
}

// alike reports whether the number of p is still that of p.
func (p process) alike() bool { return identify(p.pid) == p }

func identify(pid int) process {
	if !procIsOurs() {
		return process{pid: pid}
	}
	stat, _ := procfs.Read(pid)
	return process{pid: pid, started: stat.Started}
}

// zombies returns the children that have ended and are not reaped. Some may be
// missing, but not all: that the kernel lists children that come and go is not
// promised, and without a list there is only one to be seen at a time.
func zombies() []process {
	var found []process
	for _, pid := range children() {
		if pidfd.IsZombie(pid) {
			found = append(found, identify(pid))
		}
	}
	if pid, _ := pidfd.Zombie(); len(found) == 0 && pid != 0 {
		found = append(found, identify(pid))
	}
	return found
}

// children returns the numbers of all children, or nil if the kernel does not list
// them.
func children() (pids []int) {
	if !procIsOurs() {
		return nil
	}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		list, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for field := range bytes.FieldsSeq(list) {
			if pid, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

var procIsOurs = procfs.Ours // changed by tests
