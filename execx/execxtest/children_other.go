//go:build !linux && !windows

package execxtest

// truncateName returns name.
func truncateName(name string) string { return name }

// listChildren returns false: no /proc lists the children of this process.
func listChildren() ([]process, bool) { return nil, false }

// isChild reports whether this process has a child with the given PID, as far as known.
func isChild(pid int) bool { return true }

// anyChild reports whether this process has any child. On this system, only reaping would tell.
func anyChild() bool { return false }
