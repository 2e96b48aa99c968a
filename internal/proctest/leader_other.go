//go:build !linux

package proctest

import (
	"os"
	"os/exec"
	"testing"
)

const leaderless = "PROCTEST_LEADERLESS"

func endFirstThread() {}

// Leaderless starts a process whose first thread has ended. On this system, it skips the test.
func Leaderless(t testing.TB, prepare func(c *exec.Cmd)) (p *os.Process, end func()) {
	t.Skip("needs the threads of Linux")
	return nil, nil
}
