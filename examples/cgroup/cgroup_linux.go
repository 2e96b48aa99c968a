package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A cgroup is the directory of a control group.
type cgroup string

// newCgroup creates a control group in parent or, if parent is empty, in the control group of this
// program.
func newCgroup(parent string) (cgroup, error) {
	if parent == "" {
		var err error
		if parent, err = ownCgroup(); err != nil {
			return "", err
		}
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(parent, &stat); err != nil {
		return "", &os.PathError{Op: "statfs", Path: parent, Err: err}
	}
	if stat.Type != unix.CGROUP2_SUPER_MAGIC {
		return "", fmt.Errorf("%s is not in a cgroup v2 file system", parent)
	}
	dir, err := os.MkdirTemp(parent, "command-")
	if err != nil {
		return "", fmt.Errorf("%w (run as root, or with -parent and a control group that was delegated to you)", err)
	}
	return cgroup(dir), nil
}

// ownCgroup returns the directory of the control group of this program.
func ownCgroup() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(own)) {
		path, isV2 := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !isV2 {
			continue
		}
		for mount := range strings.Lines(string(mounts)) {
			fields, kind, _ := strings.Cut(mount, " - ")
			if strings.HasPrefix(kind, "cgroup2 ") {
				return filepath.Join(strings.Fields(fields)[4], path), nil
			}
		}
	}
	return "", errors.New("no cgroup v2 file system is mounted")
}

// set writes value to a file of the control group.
func (g cgroup) set(file, value string) error {
	f, err := os.OpenFile(filepath.Join(string(g), file), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if controller, _, _ := strings.Cut(file, "."); controller != "cgroup" {
			return fmt.Errorf("%w (write +%s to %s/cgroup.subtree_control)", err, controller, filepath.Dir(string(g)))
		}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// kill kills all processes of the control group.
func (g cgroup) kill() error { return g.set("cgroup.kill", "1") }

// end kills all processes of the control group and removes it once it is empty.
func (g cgroup) end() error {
	if err := g.kill(); err != nil {
		return err
	}
	events, err := os.Open(filepath.Join(string(g), "cgroup.events"))
	if err != nil {
		return err
	}
	defer events.Close()
	for g.populated(events) {
		// POLLPRI reports that the file has changed. Read it again after a second, in case it
		// changed before the poll.
		unix.Poll([]unix.PollFd{{Fd: int32(events.Fd()), Events: unix.POLLPRI}}, int(time.Second/time.Millisecond))
	}
	return os.Remove(string(g))
}

// populated reports whether the control group contains any process.
func (g cgroup) populated(events *os.File) bool {
	events.Seek(0, 0)
	for lines := bufio.NewScanner(events); lines.Scan(); {
		if lines.Text() == "populated 1" {
			return true
		}
	}
	return false
}
