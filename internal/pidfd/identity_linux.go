package pidfd

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// Released reports whether [os.Process.Release] was called for p.
func (p Process) Released() bool {
	err := p.OS.WithHandle(func(uintptr) {})
	if err == os.ErrNoHandle {
		err = p.OS.Signal(unix.Signal(0))
	}
	return err == errReleased()
}

// errReleased returns the error of package os for a process that was released.
var errReleased = sync.OnceValue(func() error {
	p := new(os.Process)
	p.Release()
	return p.Signal(unix.Signal(0))
})

// Reopen returns p with a new os.Process, to which the program has no access, so that it can
// neither release it nor wait for it. started is a time at which p had been started. The error is
// [os.ErrProcessDone] if p has been reaped. If no pidfd is available, the new Process is identified
// by its PID alone, and [Process.Unreaped] detects PID reuse.
func (p Process) Reopen(started time.Time) (Process, error) {
	found, err := os.FindProcess(p.Pid)
	if err != nil {
		return p, err
	}
	// If p is still a child after the PID was looked up, the process that was found is p.
	var isChild bool
	if p.OS.WithHandle(func(handle uintptr) { isChild = isChildByPidfd(handle) }) != nil {
		// Package os may have marked p as done when it only reported a stop.
		isChild, err = p.isChildByPID(started)
	}
	switch {
	case err != nil: // unknown at this time
		found.Release()
		found = &os.Process{Pid: p.Pid}
	case !isChild:
		found.Release()
		return p, os.ErrProcessDone
	}
	return Process{OS: found, Pid: p.Pid, started: p.started, child: p.child}, nil
}

// AfterGarbage arranges for f to be called when p.OS becomes unreachable. Both f and the caller get
// the result of Reopen. If AfterGarbage returns an error, f is never called.
func (p Process) AfterGarbage(started time.Time, f func(own Process)) (own Process, err error) {
	own, err = p.Reopen(started)
	if err == nil {
		runtime.AddCleanup(p.OS, f, own)
	}
	return own, err
}

// ByPID returns p, to whose os.Process the program has no access, without a pidfd: it is identified
// by its PID and the exact time at which it was started. If that time is unknown, or p has been
// reaped, ByPID returns p as it is.
func (p Process) ByPID() Process {
	ticks := startTicks(p.Pid)
	isChild := false
	p.OS.WithHandle(func(handle uintptr) { isChild = isChildByPidfd(handle) })
	if ticks == 0 || !isChild {
		return p
	}
	p.OS.Release()
	p.OS, p.ticks = &os.Process{Pid: p.Pid}, ticks
	return p
}

// startTicks returns the start time of a process in ticks since boot, modulo 2³², or 0 if /proc does
// not show it.
func startTicks(pid int) uint32 {
	if !procfs.Usable() {
		return 0
	}
	stat, _ := procfs.Read(pid)
	ticks, _ := strconv.ParseUint(stat.Started, 10, 64)
	return uint32(ticks)
}

// Unreaped reports whether p is a child that has not been reaped. started is a time at which p had
// been started. The error is non-nil if that is unknown at this time. If it can never be known,
// Unreaped returns false.
func (p Process) Unreaped(started time.Time) (bool, error) {
	var isChild bool
	switch p.OS.WithHandle(func(handle uintptr) { isChild = isChildByPidfd(handle) }) {
	case nil:
		return isChild, nil
	case os.ErrProcessDone:
		return false, nil
	}
	if !procfs.Usable() { // unknown for good
		return false, nil
	}
	return p.isChildByPID(started) // p has no pidfd, or was released
}

// Pinned reports whether the PID of p still belongs to p, as far as can be told, because p is a
// child that has not been reaped. started is a time at which p had been started. Without a pidfd,
// and if /proc does not show when a process was started, a child with the PID of p is taken to be
// p, as in package os.
//
// If p has no pidfd and was not a child when Of was called, nothing but its PID identifies it.
func (p Process) Pinned(started time.Time) bool {
	var isChild bool
	switch p.OS.WithHandle(func(handle uintptr) { isChild = isChildByPidfd(handle) }) {
	case nil:
		return isChild
	case os.ErrProcessDone:
		return false
	}
	if p.reapedWithoutPidfd() {
		return false
	}
	isChild, err := p.isChildByPID(started)
	return isChild || err != nil || !p.child
}

func isChildByPidfd(handle uintptr) bool {
	_, err := peek(unix.P_PIDFD, int(handle))
	return err == nil
}

// isChildByPID reports whether the process with the PID of p is a child that had been started at
// the given time. If it was started later, the PID was reused after p was reaped. The error is
// non-nil if the start time is unknown.
func (p Process) isChildByPID(started time.Time) (bool, error) {
	if _, err := peek(unix.P_PID, p.Pid); err != nil {
		return false, nil
	}
	if !procfs.Usable() {
		return false, errors.ErrUnsupported
	}
	if p.ticks == 0 {
		return procfs.StartedBy(p.Pid, started)
	}
	ticks := startTicks(p.Pid)
	if ticks == 0 {
		return false, errors.ErrUnsupported
	}
	return ticks == p.ticks, nil
}

// reapedWithoutPidfd reports whether p has no pidfd and was reaped through package os.
func (p Process) reapedWithoutPidfd() bool {
	return p.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle && p.OS.Signal(unix.Signal(0)) == os.ErrProcessDone
}
