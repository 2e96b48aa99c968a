package execxtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"go.execx.dev/internal/pidfd"
	"go.execx.dev/internal/procfs"
)

// kill kills the processes and all their descendants, and waits until they have ended.
func kill(left []process, ignores func(process) bool) error {
	targets := make(map[identity]bool)
	for _, p := range left {
		targets[p.identity()] = true
	}
	for range 100 {
		alive, err := killAll(targets)
		if !alive || err != nil {
			markAdopted(nil)
			return err
		}
		sleep(10 * time.Millisecond)
		for _, p := range children() { // orphans started before their parents were killed
			if p.adopted && !ignores(p) {
				targets[p.identity()] = true
			}
		}
	}
	return errors.New("execxtest: the processes found were killed, but do not end")
}

// killAll kills the targets and their descendants, which it adds to targets. It reports whether any
// of them was alive. Parents are killed before their children, so that they can't report the death
// of a child.
func killAll(targets map[identity]bool) (alive bool, err error) {
	all := make(map[int]procfs.Stat)
	if procfs.Usable() {
		all = maps.Collect(procfs.All())
	}
	for pid := range all {
		line := ancestry(pid, all)
		if i := slices.IndexFunc(line, func(id identity) bool { return targets[id] }); i >= 0 {
			for _, id := range line[:i] {
				targets[id] = true
			}
		}
	}
	eldestFirst := slices.SortedFunc(maps.Keys(targets), func(a, b identity) int {
		return cmp.Compare(len(ancestry(a.pid, all)), len(ancestry(b.pid, all)))
	})
	for _, id := range eldestFirst {
		if stat, listed := all[id.pid]; listed && (stat.Started != id.ticks || !stat.Alive()) || id.pid == 0 {
			continue
		}
		killed, killErr := killOne(id)
		alive = alive || killed
		err = errors.Join(err, killErr)
	}
	return alive, err
}

// ancestry returns a process, its parent and so on.
func ancestry(pid int, all map[int]procfs.Stat) (line []identity) {
	for {
		stat, listed := all[pid]
		id := identity{pid, stat.Started}
		if !listed || slices.Contains(line, id) { // all is not an atomic snapshot
			return line
		}
		line = append(line, id)
		pid = stat.Parent
	}
}

// killOne kills a process and reports whether it existed. It uses a pidfd, and so never kills
// another process that has got the same PID.
func killOne(id identity) (bool, error) {
	p, err := os.FindProcess(id.pid)
	if err != nil {
		return false, nil
	}
	defer p.Release()
	if pidfd.IsZombie(id.pid) || !isChild(id.pid) && identify(id.pid) != id {
		return false, nil
	}
	switch err := p.Kill(); {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrProcessDone):
		return false, nil
	default:
		return false, fmt.Errorf("execxtest: killing pid %d: %w", id.pid, err)
	}
}
