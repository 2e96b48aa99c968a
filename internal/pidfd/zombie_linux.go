package pidfd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Supported reports whether os gives a pidfd to every process that it starts.
func Supported() bool {
	works, _ := supported.ask()
	return works
}

var supported = probe{f: func() (bool, error) {
	self, err := Open(os.Getpid())
	if err != nil {
		return false, err
	}
	defer self.OS.Release()
	return self.OS.WithHandle(func(uintptr) {}) == nil, nil
}}

// A probe is a question to the kernel whose answer is remembered, unless it was not asked, for
// want of a descriptor for instance.
type probe struct {
	f func() (bool, error) // false if there is an error

	mu     sync.Mutex // guards everything below
	known  bool
	answer bool
}

func (p *probe) ask() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known {
		return p.answer, nil
	}
	answer, err := p.f()
	switch {
	case err == nil, errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES),
		errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTTY):
		p.known, p.answer = true, answer
		return answer, nil
	}
	return false, err
}

// Open returns the process of that number, whoever's it is, with an os.Process of its own. If
// it can't have a pidfd because there is no room for one more descriptor, that is the error.
func Open(pid int) (Process, error) {
	found, err := os.FindProcess(pid)
	if err == nil && found.WithHandle(func(uintptr) {}) == os.ErrNoHandle {
		fd, openErr := unix.PidfdOpen(pid, 0) // which os has tried, and not told
		switch openErr {
		case nil: // there is room now, or os does without
			unix.Close(fd)
			found, err = os.FindProcess(pid)
		case unix.EMFILE, unix.ENFILE, unix.ENOMEM:
			err = os.NewSyscallError("pidfd_open", openErr)
		}
	}
	if err != nil {
		return Process{}, err
	}
	return Of(found), nil
}

// Zombie returns the number of a child that has ended and is not reaped, or 0 if
// there is none. If there are several, it is always the same one. One that a tracer
// in this program has stopped hides all others: then there may be some.
func Zombie() (pid int, hidden bool) {
	pid, code, _ := waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	if isExit(code) {
		return pid, false
	}
	return 0, code != 0
}

// IsZombie reports whether there is a child of that number that has ended and is
// not reaped.
func IsZombie(pid int) bool {
	return zombie(unix.P_PID, pid) == pid
}

// ThreadZombie is Zombie among the children of the calling thread: those that it has
// started, and of the main thread also those that it was given.
func ThreadZombie() (pid int) {
	pid, _, _ = waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WNOTHREAD)
	return pid
}

// IsThreadZombie is IsZombie among the children of the calling thread.
func IsThreadZombie(pid int) bool {
	found, code, _ := waitid(unix.P_PID, pid, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WNOTHREAD)
	return found == pid && isExit(code)
}

// HeldZombies returns the numbers of the children that have ended and are not reaped,
// and how many pidfds of each there are in this program, if any. An [os.Process] has one
// from the fork on until it is reaped, released or garbage. A child that ends
// meanwhile may be missing.
func HeldZombies() (map[int]int, error) {
	fds, err := descriptors(fdDir)
	if err != nil {
		return nil, err
	}
	held := make(map[int]int)
	for _, fd := range fds {
		if pid := ZombieOf(fd); pid != 0 {
			held[pid]++
		}
	}
	return held, nil
}

// Holders returns a pidfd of each of those children. It fails with [errors.ErrUnsupported] if an
// [os.Process] has none.
func Holders() (map[int]int, error) {
	works, err := supported.ask()
	if err != nil {
		return nil, err
	}
	if !works {
		return nil, errors.ErrUnsupported
	}
	fds, err := descriptors(fdDir)
	if err != nil {
		return nil, err
	}
	holders := make(map[int]int)
	for _, fd := range fds {
		if pid := ZombieOf(fd); pid != 0 {
			holders[pid] = fd
		}
	}
	return holders, nil
}

// ZombieOf returns the number of the child that has ended and that the descriptor is a pidfd
// of, or 0 if it is none. waitid has no effect on other descriptors.
func ZombieOf(fd int) (pid int) { return zombie(unix.P_PIDFD, fd) }

// fdDir lists the descriptors of this program. That of /proc/self, which is the main thread, lists
// none once that has ended.
const fdDir = "/proc/thread-self/fd"

// descriptors returns those that are listed in a directory, which has to list its own, too.
func descriptors(path string) (fds []int, err error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil {
			fds = append(fds, fd)
		}
	}
	if !slices.Contains(fds, int(dir.Fd())) {
		return nil, fmt.Errorf("%s does not list descriptors", path)
	}
	return fds, nil
}

// Pidfds returns how many p has.
func (p Process) Pidfds() int {
	if p.OS.WithHandle(func(uintptr) {}) == nil {
		return 1
	}
	return 0
}

// Pidfds returns how many g has. It may be nil.
func (g *Group) Pidfds() int {
	if g != nil && g.fd >= 0 {
		return 1
	}
	return 0
}

// ReapZombie reaps the child of that number, if it has ended and same still reports
// that it is the one that is meant. The number can't become another's in between.
func ReapZombie(pid int, same func() bool) bool {
	idType, id := unix.P_PID, pid
	works, err := supported.ask()
	if err != nil {
		return false
	}
	if works {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return false
		}
		defer unix.Close(fd)
		idType, id = unix.P_PIDFD, fd
	}
	if !same() || zombie(idType, id) != pid {
		return false
	}
	reaped, _, _ := waitid(idType, id, unix.WEXITED|unix.WNOHANG)
	return reaped == pid
}

// zombie returns the number of the child that waitid(2) reports to have ended, or 0
// if there is none.
func zombie(idType, id int) int {
	if pid, code, _ := waitid(idType, id, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT); isExit(code) {
		return pid
	}
	return 0
}
