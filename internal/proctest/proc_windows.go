package proctest

import (
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"go.execx.dev/internal/toolhelp"
)

// Children returns the PIDs of the children of this process that have not ended.
func Children() (pids []int) {
	children, _ := toolhelp.Children()
	for _, p := range children {
		pids = append(pids, p.Pid)
	}
	return pids
}

// Descriptors returns 0. Handles are not counted: Wine reports none, and the runtime uses some.
func Descriptors() int { return 0 }

// Threads returns the number of threads of this process.
func Threads(t testing.TB) (n int) {
	t.Helper()
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	require.NoError(t, err)
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if int(entry.OwnerProcessID) == os.Getpid() {
			n++
		}
	}
	return n
}

// State returns 'Z' for a process that has ended and of which there is a handle, 'R' for one that
// has not ended, and 0 if there is no such process.
func State(pid int) byte {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return 0
	}
	defer windows.CloseHandle(process)
	if event, err := windows.WaitForSingleObject(process, 0); err == nil && event == windows.WAIT_OBJECT_0 {
		return 'Z'
	}
	return 'R'
}

// Zombie waits until the process has ended, without waiting for it through package os.
func Zombie(t testing.TB, pid int) {
	t.Helper()
	Until(t, func() bool { return Ended(pid) }, "process %d has not ended", pid)
}

// GroupPidfds reports whether processes have pidfds that can send signals to groups.
func GroupPidfds() bool { return false }

// NeedsGroupPidfds skips the test.
func NeedsGroupPidfds(t testing.TB) {
	t.Skip("needs the pidfds of Linux")
}

// UntilStarted calls start until it succeeds: Wine reports an internal error now and then when many
// processes are started.
func UntilStarted(t testing.TB, start func() error) {
	t.Helper()
	Until(t, func() bool {
		err := start()
		if err != nil {
			require.ErrorIs(t, err, windows.ERROR_INTERNAL_ERROR)
		}
		return err == nil
	}, "not started")
}
