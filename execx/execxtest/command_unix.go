//go:build unix

package execxtest

import (
	"debug/buildinfo"
	"path/filepath"
	"syscall"

	"go.execx.dev/execx"
)

func setGroup(c *execx.Cmd) { c.ProcessGroup = true }

// quit makes a Go program print its goroutines and exit. It returns false for other programs.
func quit(c *execx.Cmd) (bool, error) {
	path := c.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, path)
	}
	if _, err := buildinfo.ReadFile(path); err != nil {
		return false, nil
	}
	return true, c.Signal(syscall.SIGQUIT)
}
