package execxtest

import (
	"slices"
	"strings"

	"go.execx.dev/internal/toolhelp"
)

// truncateName returns the name that the process list shows for a program.
func truncateName(name string) string { return strings.TrimSuffix(name, ".exe") }

// listChildren returns the children of this process that have not ended, or false if they can't be
// listed.
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

// isChild reports whether this process has a child with the given PID that has not ended.
func isChild(pid int) bool {
	children, _ := toolhelp.Children()
	return slices.ContainsFunc(children, func(p toolhelp.Process) bool { return p.Pid == pid })
}

// anyChild reports whether this process has a child that listChildren does not return: it returns
// all.
func anyChild() bool { return false }
