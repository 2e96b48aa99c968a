package procfs

import (
	"bytes"
	"iter"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/realtime"
)

// A Stat holds a part of the fields described in proc_pid_stat(5).
type Stat struct {
	Name    string // of the program, truncated to 15 bytes
	State   byte   // 'Z' if the first thread has ended, so also for a zombie
	Parent  int
	Group   int
	Threads int    // not counting released threads; 1 for a zombie
	Started string // in ticks since boot; distinguishes processes with the same PID
}

// Read returns the Stat of a process. It returns false if there is no such process or no /proc.
func Read(pid int) (Stat, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, false
	}
	// The name is in parentheses, and may contain parentheses.
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

// Alive reports whether the process has not ended. If its first thread has ended, a process looks
// like a zombie while other threads are running.
func (s Stat) Alive() bool {
	return s.State != 'Z' && s.State != 'X' || s.Threads > 1
}

// StartedBy reports whether the process with the given PID had been started at time t, to within
// ten milliseconds. The error is non-nil if /proc does not show that.
func StartedBy(pid int, t time.Time) (bool, error) {
	stat, _ := Read(pid)
	return stat.StartedBy(t)
}

// StartedBy is like the function [StartedBy], for a Stat that was read before. It never returns
// false if the process had been started at t.
func (s Stat) StartedBy(t time.Time) (bool, error) {
	ticks, err := strconv.ParseInt(s.Started, 10, 64)
	if err != nil {
		return false, err
	}
	age := realtime.Since(t) // computed first, so that the time in between errs towards true
	var now unix.Timespec    // since boot, like the ticks
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return false, err
	}
	const tick = int64(time.Second) / 100 // USER_HZ, on all architectures that Go supports
	return ticks*tick <= now.Nano()-int64(age), nil
}

// All returns the processes that /proc shows, by PID. Processes that start or end meanwhile may be
// missing.
func All() iter.Seq2[int, Stat] {
	return func(yield func(int, Stat) bool) {
		for _, pid := range pids() {
			if s, ok := Read(pid); ok && !yield(pid, s) {
				return
			}
		}
	}
}

// Groups returns the processes in the wanted process groups, by PID. Processes that start or end
// meanwhile may be missing. It is much faster than [All].
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

// pids returns the PIDs of the processes that /proc shows.
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

// Usable reports whether /proc is mounted and belongs to the PID namespace of this process.
func Usable() bool {
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}
