//go:build !linux && !windows

package proctest

import "testing"

// Children returns the PIDs of all children of this process. On this system, it returns none.
func Children() []int { return nil }

// Descriptors returns the number of open file descriptors of this process. On this system, it is
// unknown.
func Descriptors() int { return 0 }

// Threads returns the number of threads of this process. On this system, it skips the test.
func Threads(t testing.TB) int {
	t.Skip("needs the proc file system of Linux")
	return 0
}

// State returns the state of a process, or 0 if it is unknown, as it always is on this system.
func State(pid int) byte { return 0 }

// Zombie waits until the process has ended, without reaping it. On this system, it skips the test.
func Zombie(t testing.TB, pid int) {
	t.Skip("needs the proc file system of Linux")
}

// GroupPidfds reports whether processes have pidfds that can send signals to groups.
func GroupPidfds() bool { return false }

// NeedsGroupPidfds skips the test: on this system, groups are identified by their IDs only.
func NeedsGroupPidfds(t testing.TB) {
	t.Skip("needs the pidfds of Linux")
}
