package proctest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// Children returns the PIDs of all children of this process, including zombies.
func Children() []int {
	pids, _ := procfs.Children()
	return pids
}

// Descriptors returns the number of open file descriptors of this process, including the one used
// to list them. It does not count descriptors for polling and for the null device, which are opened
// on first use and stay open.
func Descriptors() int {
	n := 0
	list, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range list {
		switch target, _ := os.Readlink("/proc/self/fd/" + fd.Name()); target {
		case "anon_inode:[eventpoll]", "anon_inode:[eventfd]", os.DevNull:
		default:
			n++
		}
	}
	return n
}

// Threads returns the number of threads of this process.
func Threads(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(list)
}

// State returns the state of a process as in proc_pid_stat(5), such as 'Z' for a zombie, or 0 if
// there is no such process.
func State(pid int) byte {
	stat, _ := procfs.Read(pid)
	return stat.State
}

// Zombie waits until the process has ended, without reaping it.
func Zombie(t testing.TB, pid int) {
	t.Helper()
	Until(t, func() bool { return State(pid) == 'Z' }, "process %d has not ended", pid)
}

// NeedsGroupPidfds skips the test if a group can't be identified after its leader is reaped.
func NeedsGroupPidfds(t testing.TB) {
	t.Helper()
	if !GroupPidfds() {
		t.Skip("needs Linux 6.9, whose pidfds can send signals to a group")
	}
}

// GroupPidfds reports whether processes have pidfds that can send signals to groups.
func GroupPidfds() bool {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return false
	}
	defer self.Release()
	var sent error
	err = self.WithHandle(func(handle uintptr) {
		sent = unix.PidfdSendSignal(int(handle), 0, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
	})
	return err == nil && sent != unix.EINVAL && sent != unix.ENOSYS
}
