package execxtest

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"go.execx.dev/execx"
)

// children returns the children of this process, oldest first. It omits zombies that execx or the
// subreaper will reap.
func children() []process {
	list, seesAll := listChildren()
	live := execx.Live()
	byPid := make(map[int]execx.CmdInfo, len(live))
	for _, info := range live {
		byPid[info.Pid] = info
	}
	var left []process
	for _, p := range list {
		info, ours := byPid[p.pid]
		delete(byPid, p.pid)
		if ours {
			p.adopted = false
			p.stack = info.Stack
			if p.state == unknown {
				p = p.withInfo(info)
			}
			p.command = cmp.Or(p.command, strings.Join(info.Args, " "))
		}
		p.command = cmp.Or(p.command, p.name)
		if p.state == zombie && (p.adopted || info.State == execx.StateOrphaned) {
			continue
		}
		left = append(left, p)
	}
	for pid, info := range byPid { // hidden by /proc, or there is no list
		if isChild(pid) {
			left = append(left, process{pid: pid, state: unknown}.withInfo(info))
		}
	}
	if len(list) == 0 && len(live) == 0 && !seesAll && anyChild() {
		left = append(left, process{})
	}
	slices.SortFunc(left, func(a, b process) int {
		return cmp.Or(cmp.Compare(a.started, b.started), cmp.Compare(a.pid, b.pid))
	})
	return left
}

// withInfo returns p completed with what execx has recorded.
func (p process) withInfo(info execx.CmdInfo) process {
	p.started = onClock(info.Started)
	p.command = strings.Join(info.Args, " ")
	p.stack = info.Stack
	if len(info.Args) > 0 {
		p.name = truncateName(filepath.Base(info.Args[0]))
	}
	return p
}
