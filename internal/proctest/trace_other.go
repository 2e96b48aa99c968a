//go:build !linux

package proctest

import "testing"

const tracee = "PROCTEST_TRACEE"

func trace(string) int { return 1 }

// Trace makes another process attach to pid by ptrace(2). On this system, it skips the test.
func Trace(t testing.TB, pid int) (release func()) {
	t.Skip("needs the ptrace of Linux")
	return nil
}
