package proctest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
)

// Children returns the process numbers of all children of this process, zombies
// included.
func Children() []int {
	pids, _ := procfs.Children()
	return pids
}

// Descriptors returns how many descriptors this process has open, that of the
// question included, and those of pollers and of the null device excluded: they are
// made on first use, and stay.
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

// Threads returns how many threads this process has.
func Threads(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(list)
}

// State returns the state of a process as in proc_pid_stat(5), 'Z' for a zombie,
// or 0 if there is none of that number.
func State(pid int) byte {
	stat, _ := procfs.Read(pid)
	return stat.State
}

// Zombie waits until the process has ended, without reaping it.
func Zombie(t testing.TB, pid int) {
	t.Helper()
	Until(t, func() bool { return State(pid) == 'Z' }, "process %d has not ended", pid)
}

// NeedsGroupPidfds skips the test where a group can't be told from another one once
// its leader was reaped.
func NeedsGroupPidfds(t testing.TB) {
	t.Helper()
	if !GroupPidfds() {
		t.Skip("needs Linux 6.9, whose pidfds can send signals to a group")
	}
}

// GroupPidfds reports whether processes have pidfds, and these can send signals to groups.
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
