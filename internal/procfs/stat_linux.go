package procfs

import (
	"bytes"
	"iter"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A Stat is a part of what proc_pid_stat(5) tells of a process.
type Stat struct {
	Name    string // of the program, of which the kernel keeps 15 bytes
	State   byte   // 'Z' for a zombie
	Parent  int
	Group   int
	Started string // in ticks since boot: tells the process from another of its number
}

// Read returns the Stat of a process, or false if there is none of that number, or no
// /proc.
func Read(pid int) (Stat, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, false
	}
	// The name is in parentheses, and can contain some.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return Stat{}, false
	}
	fields := bytes.Fields(stat[end+1:])
	const state, ppid, pgrp, starttime = 0, 1, 2, 19
	if len(fields) <= starttime {
		return Stat{}, false
	}
	s := Stat{
		Name:    string(stat[open+1 : end]),
		State:   fields[state][0],
		Started: string(fields[starttime]),
	}
	s.Parent, _ = strconv.Atoi(string(fields[ppid]))
	s.Group, _ = strconv.Atoi(string(fields[pgrp]))
	return s, true
}

// StartedBy reports whether the process of that number had been started by t, to within
// ten milliseconds. It fails if /proc does not tell.
func StartedBy(pid int, t time.Time) (bool, error) {
	stat, _ := Read(pid)
	ticks, err := strconv.ParseInt(stat.Started, 10, 64)
	if err != nil {
		return false, err
	}
	age := time.Since(t)  // before now is read: time that passes in between is in favour
	var now unix.Timespec // since boot, as ticks are
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return false, err
	}
	const tick = int64(time.Second) / 100 // USER_HZ, on every architecture of Go
	return ticks*tick <= now.Nano()-int64(age), nil
}

// All returns the processes that can be seen, by their numbers. It may miss some that
// begin or end meanwhile.
func All() iter.Seq2[int, Stat] {
	return func(yield func(int, Stat) bool) {
		dir, err := os.Open("/proc")
		if err != nil {
			return
		}
		defer dir.Close()
		names, _ := dir.Readdirnames(-1)
		for _, name := range names {
			pid, err := strconv.Atoi(name)
			if err != nil {
				continue
			}
			if s, ok := Read(pid); ok && !yield(pid, s) {
				return
			}
		}
	}
}

// Ours reports whether /proc is there, and counts processes as we do. It may be that
// of another PID namespace.
func Ours() bool {
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}
