package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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
	if _, err := os.Stat(filepath.Join(parent, "cgroup.controllers")); err != nil {
		return "", fmt.Errorf("%s is not in a cgroup v2 file system: %w", parent, err)
	}
	dir, err := os.MkdirTemp(parent, "command-")
	if err != nil {
		return "", fmt.Errorf("%w (run as root, or with -parent and a control group that was delegated to you)", err)
	}
	return cgroup(dir), nil
}

var (
	mountPoint = regexp.MustCompile(`(?m)^(?:\S+ ){4}(\S+) .* - cgroup2 `) // in /proc/self/mountinfo
	ownPath    = regexp.MustCompile(`(?m)^0::(.*)$`)                       // in /proc/self/cgroup
)

// ownCgroup returns the directory of the control group of this program.
func ownCgroup() (string, error) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	groups, _ := os.ReadFile("/proc/self/cgroup")
	mount, path := mountPoint.FindSubmatch(mounts), ownPath.FindSubmatch(groups)
	if mount == nil || path == nil {
		return "", errors.New("/proc shows no cgroup v2 file system")
	}
	return filepath.Join(string(mount[1]), string(path[1])), nil
}

// set writes value, unless it is empty, to a file of the control group.
func (g cgroup) set(file, value string) error {
	if value == "" {
		return nil
	}
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
	for buf := make([]byte, 64); ; {
		n, err := events.ReadAt(buf, 0)
		if n == 0 {
			return err
		}
		if bytes.Contains(buf[:n], []byte("populated 0")) {
			return os.Remove(string(g))
		}
		// POLLPRI reports that the file has changed since it was read.
		unix.Poll([]unix.PollFd{{Fd: int32(events.Fd()), Events: unix.POLLPRI}}, -1)
	}
}
