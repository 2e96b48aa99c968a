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

// Supported reports whether package os gets a pidfd for every process that it starts.
func Supported() bool {
	works, _ := supported.get()
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

// A probe asks the kernel for a capability once and caches the result. It does not cache failures
// that say nothing about the capability, such as a lack of file descriptors.
type probe struct {
	f func() (bool, error) // the result is false if there is an error

	mu     sync.Mutex // guards everything below
	done   bool
	result bool
}

func (p *probe) get() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return p.result, nil
	}
	answer, err := p.f()
	switch {
	case err == nil, errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES),
		errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTTY):
		p.done, p.result = true, answer
		return answer, nil
	}
	return false, err
}

// Open returns the process with the given PID, which need not be a child, with an os.Process of its
// own. If no pidfd can be opened because descriptors or memory have run out, Open returns that
// error.
func Open(pid int) (Process, error) {
	found, err := os.FindProcess(pid)
	if err == nil && found.WithHandle(func(uintptr) {}) == os.ErrNoHandle {
		fd, openErr := unix.PidfdOpen(pid, 0) // package os tried this, and dropped the error
		switch openErr {
		case nil: // a descriptor is free now, or package os uses no pidfds
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

// Zombie returns the PID of a child that is a zombie, or 0 if there is none. If there are several,
// it always returns the same one. A child that a tracer in this program has stopped can hide all
// zombies: hidden reports that.
func Zombie() (pid int, hidden bool) {
	pid, code, _ := waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	if isExit(code) {
		return pid, false
	}
	return 0, code != 0
}

// IsZombie reports whether the child with the given PID is a zombie.
func IsZombie(pid int) bool {
	return zombie(unix.P_PID, pid) == pid
}

// ThreadZombie is like Zombie, for the children of the calling thread only: those that it has
// started and, if it is the main thread, those that this process has inherited.
func ThreadZombie() (pid int) {
	pid, _, _ = waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WNOTHREAD)
	return pid
}

// IsThreadZombie is like IsZombie, for the children of the calling thread only.
func IsThreadZombie(pid int) bool {
	found, code, _ := waitid(unix.P_PID, pid, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WNOTHREAD)
	return found == pid && isExit(code)
}

// ZombiePidfds returns the pidfds that this program has of each of its children that is a zombie,
// by PID. An [os.Process] has one from the fork until it is reaped, released or garbage collected.
// A child that ends meanwhile may be missing. ZombiePidfds fails with [errors.ErrUnsupported] if an
// [os.Process] has no pidfd.
func ZombiePidfds() (map[int][]int, error) {
	works, err := supported.get()
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
	pidfds := make(map[int][]int)
	for _, fd := range fds {
		if pid := ZombieOf(fd); pid != 0 {
			pidfds[pid] = append(pidfds[pid], fd)
		}
	}
	return pidfds, nil
}

// ZombieOf returns the PID of the child that fd, if it is a pidfd, refers to, or 0 if there is no
// such child or it is not a zombie. For other descriptors, waitid has no effect.
func ZombieOf(fd int) (pid int) { return zombie(unix.P_PIDFD, fd) }

// fdDir lists the file descriptors of this process. /proc/self/fd, which belongs to the main
// thread, lists none after that thread has ended.
const fdDir = "/proc/thread-self/fd"

// descriptors returns the file descriptors that a directory lists. The list must include that of
// the directory itself.
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

// Pidfds returns the number of pidfds that p has.
func (p Process) Pidfds() int {
	if p.OS.WithHandle(func(uintptr) {}) == nil {
		return 1
	}
	return 0
}

// Pidfds returns the number of pidfds that g has. g may be nil.
func (g *Group) Pidfds() int {
	if g != nil && g.fd >= 0 {
		return 1
	}
	return 0
}

// ReapZombie reaps the child with the given PID if it is a zombie and same, called when the PID can
// no longer be reused, reports that it is the intended one.
func ReapZombie(pid int, same func() bool) bool {
	idType, id := unix.P_PID, pid
	works, err := supported.get()
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

// zombie returns the PID of the zombie that waitid(2) reports, or 0 if there is none.
func zombie(idType, id int) int {
	if pid, code, _ := waitid(idType, id, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT); isExit(code) {
		return pid
	}
	return 0
}
