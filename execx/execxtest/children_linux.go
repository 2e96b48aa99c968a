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

// truncateName truncates a name as the kernel does; see PR_SET_NAME in prctl(2).
func truncateName(name string) string {
	return name[:min(len(name), 15)]
}

// listChildren returns the children of this process that /proc lists. It returns false if there is
// no /proc of the PID namespace of this process.
func listChildren() ([]process, bool) {
	if !procfs.Usable() {
		return nil, false
	}
	pids := make(map[int]procfs.Stat)
	children, _ := procfs.Children()
	for _, pid := range children { // includes processes that hidepid hides
		pids[pid] = procfs.Stat{}
	}
	for pid, stat := range procfs.All() {
		if stat.Parent == os.Getpid() {
			pids[pid] = stat
		}
	}
	var list []process
	for pid, stat := range pids {
		if stat.State == 0 { // not seen, or not yet
			stat, _ = procfs.Read(pid)
		}
		switch {
		case stat.State == 0 && isChild(pid):
			list = append(list, hiddenProcess(pid))
		case stat.Parent == os.Getpid():
			list = append(list, readProcess(pid, stat))
		}
	}
	return markAdopted(list), true
}

// readProcess returns the process with the given PID.
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
	if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 { // empty for a zombie
		p.command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return p
}

// hiddenProcess returns the process with the given PID, about which /proc shows nothing else.
func hiddenProcess(pid int) process {
	p := process{pid: pid, started: unknownTime, state: unknown, command: "[hidden by the hidepid option of /proc]"}
	if pidfd.IsZombie(pid) {
		p.state = zombie
	}
	return p
}

// isChild reports whether this process has a child with the given PID.
func isChild(pid int) bool { return waitable(unix.P_PID, pid) }

// anyChild reports whether this process has any child.
func anyChild() bool { return waitable(unix.P_ALL, 0) }

func waitable(idType, id int) bool {
	for {
		err := unix.Waitid(idType, id, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
}

// clock returns the time since boot, on which the start times in /proc are based. In a bubble of
// testing/synctest it returns real time.
func clock() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	return time.Duration(now.Nano())
}

// sinceBoot converts a time that /proc shows in ticks.
func sinceBoot(ticks string) time.Duration {
	const tick = time.Second / 100 // USER_HZ, on all architectures that Go supports
	n, _ := strconv.ParseInt(ticks, 10, 64)
	return time.Duration(n) * tick
}
