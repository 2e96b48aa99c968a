package execxtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.execx.dev/internal/procfs"
)

// truncated returns a name as the kernel keeps it, see PR_SET_NAME in prctl(2).
func truncated(name string) string {
	return name[:min(len(name), 15)]
}

// listed returns the children of this process that /proc lists, or false if there
// is no /proc.
func listed() ([]process, bool) {
	now, ok := sinceBoot()
	if !ok || !procfs.Ours() {
		return nil, false
	}
	var list []process
	for pid, stat := range procfs.All() { // not all kernels have a list of children
		if stat.Parent != os.Getpid() {
			continue
		}
		p := process{
			pid:     pid,
			started: stat.Started,
			state:   describe(stat.State),
			name:    stat.Name,
			command: "[" + stat.Name + "]",
		}
		if ticks, err := strconv.ParseInt(stat.Started, 10, 64); err == nil {
			const tick = time.Second / 100 // USER_HZ, on all architectures that Go knows
			p.age = max(0, now-time.Duration(ticks)*tick)
		}
		if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 { // none of a zombie
			p.command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
		}
		list = append(list, p)
	}
	return list, true
}

func describe(state byte) string {
	switch state {
	case 'Z':
		return "zombie"
	case 'T', 't':
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
