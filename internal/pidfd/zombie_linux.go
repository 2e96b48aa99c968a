package pidfd

import (
	"os"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported reports whether os gives a pidfd to every process that it starts.
var Supported = sync.OnceValue(func() bool {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return false
	}
	defer self.Release()
	return self.WithHandle(func(uintptr) {}) == nil
})

// Zombie returns the number of a child that has ended and is not reaped, or 0 if
// there is none. If there are several, it is always the same one. One that a tracer
// in this program has stopped hides all others: then there may be some.
func Zombie() (pid int, hidden bool) {
	pid, code := wait(unix.P_ALL, 0, unix.WNOHANG|unix.WNOWAIT)
	if isEnd(code) {
		return pid, false
	}
	return 0, code != 0
}

// IsZombie reports whether there is a child of that number that has ended and is
// not reaped.
func IsZombie(pid int) bool {
	return zombie(unix.P_PID, pid) == pid
}

// HeldZombies returns the numbers of the children that have ended and are not reaped,
// and how many pidfds of each there are in this program, if any. An [os.Process] has one
// from the fork on until it is reaped, released or garbage. A child that ends
// meanwhile may be missing.
func HeldZombies() (map[int]int, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	held := make(map[int]int)
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		// waitid has no effect on what is not a pidfd, and says so.
		if pid := zombie(unix.P_PIDFD, fd); pid != 0 {
			held[pid]++
		}
	}
	return held, nil
}

// Named reports whether there is a pidfd of p beside those of p itself and of the group
// that it leads, given what HeldZombies has returned.
func (p Process) Named(group *Group, held map[int]int) bool {
	ours := 0
	if p.OS.WithHandle(func(uintptr) {}) == nil {
		ours++
	}
	if group != nil && group.fd >= 0 {
		ours++
	}
	return held[p.Pid] > ours
}

// ReapZombie reaps the child of that number, if it has ended and same still reports
// that it is the one that is meant. The number can't become another's in between.
func ReapZombie(pid int, same func() bool) bool {
	idType, id := unix.P_PID, pid
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		defer unix.Close(fd)
		idType, id = unix.P_PIDFD, fd
	}
	if !same() || zombie(idType, id) != pid {
		return false
	}
	reaped, _ := wait(idType, id, unix.WNOHANG)
	return reaped == pid
}

// zombie returns the number of the child that waitid(2) reports to have ended, or 0
// if there is none.
func zombie(idType, id int) int {
	if pid, code := wait(idType, id, unix.WNOHANG|unix.WNOWAIT); isEnd(code) {
		return pid
	}
	return 0
}

// wait returns the number of the child that waitid(2) reports, and what of it. Both
// are 0 if there is nothing to report.
func wait(idType, id, options int) (pid int, code int32) {
	info, err := waitid(idType, id, unix.WEXITED|options)
	if err != nil || info.Signo == 0 {
		return 0, 0
	}
	// si_pid is the first of the fields whose meaning depends on the signal.
	// They are aligned as a pointer is, after three numbers.
	const pointer = unsafe.Sizeof(uintptr(0))
	const offset = (3*4 + pointer - 1) / pointer * pointer
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset))), info.Code
}
