package execxtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
)

// truncated returns a name as the kernel keeps it, see PR_SET_NAME in prctl(2).
func truncateName(name string) string {
	return name[:min(len(name), 15)]
}

// listed returns the children of this process that /proc lists, and false if there is no
// /proc of ours.
func listChildren() ([]process, bool) {
	if !procfs.Usable() {
		return nil, false
	}
	pids := make(map[int]procfs.Stat)
	children, _ := procfs.Children()
	for _, pid := range children { // which has those that hidepid hides
		pids[pid] = procfs.Stat{}
	}
	for pid, stat := range procfs.All() {
		if stat.Parent == os.Getpid() {
			pids[pid] = stat
		}
	}
	var list []process
	for pid, stat := range pids {
		if stat.State == 0 { // it was not listed, or not yet
			stat, _ = procfs.Read(pid)
		}
		switch {
		case stat.State == 0 && isChild(pid):
			list = append(list, hiddenProcess(pid))
		case stat.Parent == os.Getpid():
			list = append(list, readProcess(pid, stat))
		}
	}
	markAdopted(list)
	return list, true
}

// read returns the process of that number.
func readProcess(pid int, stat procfs.Stat) process {
	p := process{
		pid:     pid,
		ticks:   stat.Started,
		started: sinceBoot(stat.Started),
		state:   running,
		name:    stat.Name,
		command: "[" + stat.Name + "]",
		group:   stat.Group,
	}
	switch {
	case !stat.Alive():
		p.state = zombie
	case stat.State == 'T', stat.State == 't':
		p.state = stopped
	}
	if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 { // none of a zombie
		p.command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return p
}

// hidden returns the process of that number, of which /proc tells nothing else.
func hiddenProcess(pid int) process {
	p := process{pid: pid, started: unknownTime, state: unknown, command: "[hidden by the hidepid option of /proc]"}
	if pidfd.IsZombie(pid) {
		p.state = zombie
	}
	return p
}

// isChild reports whether this process has a child of that number.
func isChild(pid int) bool { return waitable(unix.P_PID, pid) }

// anyChild reports whether this process has a child.
func anyChild() bool { return waitable(unix.P_ALL, 0) }

func waitable(idType, id int) bool {
	for {
		err := unix.Waitid(idType, id, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
}

// clock returns the time since the system was started, by which /proc tells when a process was.
// In a bubble of testing/synctest it is real.
func clock() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	return time.Duration(now.Nano())
}

// sinceBoot returns the time that /proc tells in ticks.
func sinceBoot(ticks string) time.Duration {
	const tick = time.Second / 100 // USER_HZ, on all architectures that Go knows
	n, _ := strconv.ParseInt(ticks, 10, 64)
	return time.Duration(n) * tick
}
