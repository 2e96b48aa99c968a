package execxtest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// truncated returns a name as the kernel keeps it, see PR_SET_NAME in prctl(2).
func truncated(name string) string {
	return name[:min(len(name), 15)]
}

// listed returns the children of this process that /proc lists, or false if there
// is no /proc.
func listed() ([]process, bool) {
	now, ok := sinceBoot()
	if !ok {
		return nil, false
	}
	// Not all kernels have /proc/self/task/*/children.
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	var list []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, ok := read(pid, now); ok {
			list = append(list, p)
		}
	}
	return list, true
}

// read returns the process of that number, if it is a child of this one.
func read(pid int, now time.Duration) (process, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false // it has just gone
	}
	// See proc_pid_stat(5). The name is in parentheses, and can contain some.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	name := string(stat[open+1 : end])
	fields := strings.Fields(string(stat[end+1:])) // from the third, the state
	const state, ppid, starttime = 0, 1, 19
	if len(fields) <= starttime || fields[ppid] != strconv.Itoa(os.Getpid()) {
		return process{}, false
	}
	p := process{
		pid:     pid,
		started: fields[starttime],
		state:   describe(fields[state]),
		name:    name,
		command: "[" + name + "]",
	}
	if ticks, err := strconv.ParseInt(p.started, 10, 64); err == nil {
		const tick = time.Second / 100 // USER_HZ, on all architectures that Go knows
		p.age = max(0, now-time.Duration(ticks)*tick)
	}
	if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 { // none of a zombie
		p.command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return p, true
}

func describe(state string) string {
	switch state {
	case "Z":
		return "zombie"
	case "T", "t":
		return "stopped"
	default:
		return "running"
	}
}

// sinceBoot returns the time since the system was started, from which /proc counts.
func sinceBoot() (time.Duration, bool) {
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, false
	}
	value, _, _ := strings.Cut(string(uptime), " ")
	d, err := time.ParseDuration(value + "s")
	return d, err == nil
}
