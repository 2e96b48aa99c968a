//go:build !linux && !windows

package execxtest

// truncated returns name.
func truncateName(name string) string { return name }

// listed returns false: there is no /proc that lists the children of this process.
func listChildren() ([]process, bool) { return nil, false }

// isChild reports whether this process has a child of that number, as far as is known.
func isChild(pid int) bool { return true }

// anyChild reports whether this process has a child. Here only reaping would tell.
func anyChild() bool { return false }
