//go:build !linux && !windows

package proctest

import "testing"

// Children returns the process numbers of all children of this process. Here it
// knows of none.
func Children() []int { return nil }

// Descriptors returns how many descriptors this process has open. Here it does
// not know.
func Descriptors() int { return 0 }

// Threads returns how many threads this process has. Here it skips the test.
func Threads(t testing.TB) int {
	t.Skip("needs the proc file system of Linux")
	return 0
}

// State returns the state of a process, or 0 if it is not known, as here it never is.
func State(pid int) byte { return 0 }

// Zombie waits until the process has ended, without reaping it. Here it skips
// the test.
func Zombie(t testing.TB, pid int) {
	t.Skip("needs the proc file system of Linux")
}

// GroupPidfds reports whether processes have pidfds, and these can send signals to groups.
func GroupPidfds() bool { return false }

// NeedsGroupPidfds skips the test: groups are named by their numbers here.
func NeedsGroupPidfds(t testing.TB) {
	t.Skip("needs the pidfds of Linux")
}
