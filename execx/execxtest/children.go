package execxtest

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.execx.dev/execx"
)

// children returns the children of this process.
func children() []process {
	live := make(map[int]execx.Info)
	for _, info := range execx.Live() {
		live[info.Pid] = info
	}
	if list, ok := listed(); ok {
		for i := range list {
			list[i].stack = live[list[i].pid].Stack
		}
		return slices.DeleteFunc(list, func(p process) bool { // what is execx's to reap, and soon is
			return p.state == "zombie" && live[p.pid].State == execx.Orphaned
		})
	}
	var list []process
	for _, info := range live {
		command := strings.Join(info.Args, " ")
		name, _, _ := strings.Cut(command, " ")
		list = append(list, process{
			pid:     info.Pid,
			started: info.Started.String(),
			age:     time.Since(info.Started).Round(10 * time.Millisecond),
			state:   string(info.State),
			name:    filepath.Base(name),
			command: command,
			stack:   info.Stack,
		})
	}
	return list
}
