//go:build !linux

package execxtest

// truncated returns name.
func truncated(name string) string { return name }

// listed returns false: there is no /proc that lists the children of this process.
func listed() ([]process, bool) { return nil, false }
