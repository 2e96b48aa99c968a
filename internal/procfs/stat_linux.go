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
	State   byte   // 'Z' if its first thread has ended, and so that of a zombie
	Parent  int
	Group   int
	Threads int    // that have not been released; one, of a zombie
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
	const state, ppid, pgrp, threads, starttime = 0, 1, 2, 17, 19
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
	s.Threads, _ = strconv.Atoi(string(fields[threads]))
	return s, true
}

// Alive reports whether the process has not ended. One whose first thread has looks like a
// zombie while others run.
func (s Stat) Alive() bool {
	return s.State != 'Z' && s.State != 'X' || s.Threads > 1
}

// StartedBy reports whether the process of that number had been started by t, to within
// ten milliseconds. It fails if /proc does not tell.
func StartedBy(pid int, t time.Time) (bool, error) {
	stat, _ := Read(pid)
	return stat.StartedBy(t)
}

// StartedBy is [StartedBy] for a process that was read. It is never false if the process was
// started by t.
func (s Stat) StartedBy(t time.Time) (bool, error) {
	ticks, err := strconv.ParseInt(s.Started, 10, 64)
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
		for _, pid := range pids() {
			if s, ok := Read(pid); ok && !yield(pid, s) {
				return
			}
		}
	}
}

// Groups returns the processes of the groups that wanted has, by their numbers. It may miss
// some that begin or end meanwhile. It is much quicker than [All].
func Groups(wanted map[int]bool) iter.Seq2[int, Stat] {
	return func(yield func(int, Stat) bool) {
		for _, pid := range pids() {
			group, err := unix.Getpgid(pid)
			if err == unix.ESRCH || err == nil && !wanted[group] {
				continue
			}
			if s, ok := Read(pid); ok && wanted[s.Group] && !yield(pid, s) {
				return
			}
		}
	}
}

// numbers returns the numbers of the processes that can be seen.
func pids() (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Ours reports whether /proc is there, and counts processes as we do. It may be that
// of another PID namespace.
func Usable() bool {
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}
