package execxtest

import (
	"slices"
	"strings"

	"go.execx.dev/internal/toolhelp"
)

// truncateName returns name as a process of it is named.
func truncateName(name string) string { return strings.TrimSuffix(name, ".exe") }

// listChildren returns the children of this process that have not ended, or false if they can't be listed.
func listChildren() (list []process, ok bool) {
	children, err := toolhelp.Children()
	for _, p := range children {
		list = append(list, process{
			pid:     p.Pid,
			ticks:   p.Created.String(),
			started: onClock(p.Created),
			state:   running,
			name:    truncateName(p.Program),
		})
	}
	return list, err == nil
}

// isChild reports whether this process has a child of that number that has not ended.
func isChild(pid int) bool {
	children, _ := toolhelp.Children()
	return slices.ContainsFunc(children, func(p toolhelp.Process) bool { return p.Pid == pid })
}

// anyChild reports whether this process has a child that nobody knows of. Only the list would tell.
func anyChild() bool { return false }
