package pidfd

// What is used here of Linux, by version:
//
//	2.6.9  waitid with WNOWAIT
//	5.1    pidfd_send_signal, with which package os sends signals
//	5.3    pidfd_open, and pidfds that can be polled
//	5.4    waitid with P_PIDFD
//	6.9    PIDFD_SIGNAL_PROCESS_GROUP, and a second event, EPOLLHUP, once the process was reaped
//	6.13   PIDFD_GET_INFO
//	6.15   PIDFD_INFO_EXIT
//
// Package os probes for all that an [os.Process] needs, once, and hands out no
// handle where it is missing, so nothing is probed again.

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// A Process is an os.Process and its number, which [os.Process.Release] takes
// away from it.
type Process struct {
	OS  *os.Process
	Pid int

	started bool // by this package's user
	child   bool // when it was made a Process, or it has a pidfd and that is not asked
}

// Started returns p, which nobody else has got yet, as a Process.
func Started(p *os.Process) Process { return Process{OS: p, Pid: p.Pid, started: true, child: true} }

// Of returns p, which was not released, as a Process.
func Of(p *os.Process) Process {
	child := true
	if p.WithHandle(func(uintptr) {}) == os.ErrNoHandle {
		_, err := peek(unix.P_PID, p.Pid)
		child = err == nil
	}
	return Process{OS: p, Pid: p.Pid, child: child}
}

// Signal is [os.Process.Signal].
func (p Process) Signal(sig os.Signal) error { return p.OS.Signal(sig) }

// Exited reports whether p has ended, reaped or not, without blocking and
// without reaping it. A process that a tracer has stopped has not ended.
//
// The error is [os.ErrNoHandle] if p has no pidfd and is not a child. Without
// pidfd p is known by its number alone. The number of a child is its own until it
// is reaped, and os knows of a child that was reaped through p. It does not
// know of one that somebody else has reaped, by wait4(2) for instance: if its number
// has since been given to another child, the answer is that child's.
func (p Process) Exited() (bool, error) {
	var exited bool
	err := p.OS.WithHandle(func(handle uintptr) {
		// That a pidfd polls readable is no more than a hint, since a zombie
		// under ptrace does too while waitid(2) would still block for it.
		// waitid is asked first, and poll only about what waitid does not know:
		// a process that is not a child, or that somebody else has reaped.
		code, err := peek(unix.P_PIDFD, int(handle))
		exited = isExit(code) || err != nil && readable(int(handle))
	})
	if err == os.ErrNoHandle {
		var code int32
		code, err = p.peekByPID()
		exited = isExit(code)
	}
	if err == os.ErrProcessDone {
		return true, nil
	}
	return exited, err
}

// Waitable reports whether p.Wait would return at once: if p has ended, or is no
// child, which is an error; and with stops, if p has stopped and this program is
// its tracer. The error is what os says of a process that was released.
func (p Process) Waitable(stops bool) (bool, error) {
	var code int32
	var newsErr error
	err := p.OS.WithHandle(func(handle uintptr) { code, newsErr = peek(unix.P_PIDFD, int(handle)) })
	if err == os.ErrNoHandle {
		code, err = p.peekByPID()
	}
	if newsErr != nil || err == os.ErrProcessDone || err == os.ErrNoHandle {
		return true, nil
	}
	return isExit(code) || stops && code != 0, err
}

// peekByPID is news for a process without pidfd. It fails with
// [os.ErrProcessDone] if os has reaped p, [os.ErrNoHandle] if p is not a child, and
// with what os says if p was released.
func (p Process) peekByPID() (code int32, err error) {
	code, err = peek(unix.P_PID, p.Pid)
	// os notes that p is done before it reaps p. If it has not by now, the number
	// was still that of p in waitid.
	switch done := p.OS.Signal(unix.Signal(0)); {
	case done == errReleased():
		return 0, done
	case err == nil && isExit(code):
		return code, nil
	case done == os.ErrProcessDone:
		return 0, done
	case err != nil:
		return 0, os.ErrNoHandle
	}
	return code, nil
}

// Released reports whether the program has called [os.Process.Release].
func (p Process) Released() bool {
	err := p.OS.WithHandle(func(uintptr) {})
	if err == os.ErrNoHandle {
		err = p.OS.Signal(unix.Signal(0))
	}
	return err == errReleased()
}

// errReleased returns what os says of a process that was released.
var errReleased = sync.OnceValue(func() error {
	p := new(os.Process)
	p.Release()
	return p.Signal(unix.Signal(0))
})

// Reopen returns p, which was started by the time given, with an os.Process of its
// own, which the program does not know of and so can neither release nor wait for.
// The error is [os.ErrProcessDone] if p has been reaped. Where no pidfd can be had, p
// is known by its number alone, and [Process.Unreaped] tells it from another of
// that number.
func (p Process) Reopen(started time.Time) (Process, error) {
	found, err := os.FindProcess(p.Pid)
	if err != nil {
		return p, err
	}
	// If p is still a child, now that its number was looked up, that is the one
	// that was found.
	var isChild bool
	if p.OS.WithHandle(func(handle uintptr) { isChild = isChildByPidfd(handle) }) != nil {
		// os may take it for done though it only had a stop to report.
		isChild, err = isChildByPID(p.Pid, started)
	}
	switch {
	case err != nil: // it can't be told at this time
		found.Release()
		found = &os.Process{Pid: p.Pid}
	case !isChild:
		found.Release()
		return p, os.ErrProcessDone
	}
	return Process{OS: found, Pid: p.Pid, started: p.started, child: p.child}, nil
}

// AfterGarbage arranges for f to be called once p.OS is garbage, with what it returns
// itself: what Reopen does. If there is an error f is never called.
func (p Process) AfterGarbage(started time.Time, f func(own Process)) (own Process, err error) {
	own, err = p.Reopen(started)
	if err == nil {
		runtime.AddCleanup(p.OS, f, own)
	}
	return own, err
}

// Unreaped reports whether p, which was started by the time given, is a child that
// nobody has reaped. The error says why that could not be told at this time. Where it can
// never be told it is taken to be false.
func (p Process) Unreaped(started time.Time) (bool, error) {
	var isChild bool
	switch p.OS.WithHandle(func(handle uintptr) { isChild = isChildByPidfd(handle) }) {
	case nil:
		return isChild, nil
	case os.ErrProcessDone:
		return false, nil
	}
	if !procfs.Ours() { // it will never be told
		return false, nil
	}
	return isChildByPID(p.Pid, started) // known by its number alone, or released
}

// Pinned reports whether the number of p, which was started by the time given, is still its own,
// as far as can be told: it is a child that nobody has reaped. Without a pidfd, and if /proc
// does not tell when it was started, a child of that number is taken to be p, as os does.
//
// A process that was no child when it was made a Process, and has no pidfd, has nothing but its
// number to tell it by.
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
	isChild, err := isChildByPID(p.Pid, started)
	return isChild || err != nil || !p.child
}

func isChildByPidfd(handle uintptr) bool {
	_, err := peek(unix.P_PIDFD, int(handle))
	return err == nil
}

// isChildByPID reports whether the process of that number is a child that was started
// by the time given. One that was started later has got the number of another,
// which somebody has reaped. It fails if that can't be told.
func isChildByPID(pid int, started time.Time) (bool, error) {
	if _, err := peek(unix.P_PID, pid); err != nil {
		return false, nil
	}
	if !procfs.Ours() {
		return false, errors.ErrUnsupported
	}
	return procfs.StartedBy(pid, started)
}

// Wait is [os.Process.Wait], except that it can be called for a process that was started by the
// time given, has no pidfd and has been reaped: os would wait for whatever has its number
// now.
func (p Process) Wait(started time.Time) (*os.ProcessState, error) {
	if p.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle && !p.Pinned(started) {
		return nil, os.NewSyscallError("wait", unix.ECHILD)
	}
	return p.OS.Wait()
}

// Block blocks until p has ended, without reaping it, or is no child any more.
func (p Process) Block() error {
	err := p.OS.WithHandle(func(handle uintptr) { waitid(unix.P_PIDFD, int(handle), unix.WEXITED|unix.WNOWAIT) })
	if err == os.ErrNoHandle && !p.reapedWithoutPidfd() {
		waitid(unix.P_PID, p.Pid, unix.WEXITED|unix.WNOWAIT)
	}
	return nil
}

// reapedWithoutPidfd reports whether os has reaped p, which has no pidfd.
func (p Process) reapedWithoutPidfd() bool {
	return p.OS.WithHandle(func(uintptr) {}) == os.ErrNoHandle && p.OS.Signal(unix.Signal(0)) == os.ErrProcessDone
}

// WaitBriefly blocks the calling thread until p has ended, but for at most d. It may
// return sooner.
func (p Process) WaitBriefly(d time.Duration) {
	timeout := unix.NsecToTimespec(int64(d))
	p.OS.WithHandle(func(handle uintptr) {
		fds := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
		ignoringEINTR(func() error { // ppoll(2) leaves in timeout what is left of it
			_, err := unix.Ppoll(fds, &timeout, nil)
			return err
		})
	})
}

// peek returns the si_code of what waitid(2) would report of a child at once, or 0
// if there is nothing to report. It fails with ECHILD if there is no such child.
//
// To the tracer of a child, waitid reports its stops as well, whatever options it is
// called with.
func peek(idType, id int) (code int32, err error) {
	_, code, err = waitid(idType, id, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	return code, err
}

// The values of si_code that mean that a child has ended; see sigaction(2).
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

func isExit(code int32) bool {
	return code == cldExited || code == cldKilled || code == cldDumped
}

// waitid calls waitid(2), and returns the PID and the si_code of the child that it reports. Both
// are 0 if there is nothing to report.
func waitid(idType, id, options int) (pid int, code int32, err error) {
	var info unix.Siginfo
	err = ignoringEINTR(func() error { return unix.Waitid(idType, id, &info, options, nil) })
	if err != nil || info.Signo == 0 {
		return 0, 0, err
	}
	// si_pid is the first of the fields whose meaning depends on the signal.
	// They are aligned as a pointer is, after three numbers.
	const pointer = unsafe.Sizeof(uintptr(0))
	const offset = (3*4 + pointer - 1) / pointer * pointer
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset))), info.Code, nil
}

func readable(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	err := ignoringEINTR(func() error {
		_, err := unix.Poll(fds, 0)
		return err
	})
	return err == nil && fds[0].Revents != 0
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}
