package procfs_test

import (
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"go.execx.dev/internal/procfs"
	"go.execx.dev/internal/proctest"
)

func TestChildren(t *testing.T) {
	if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children"); err != nil {
		t.Skip("needs a kernel with CONFIG_PROC_CHILDREN")
	}
	runtime.LockOSThread() // the child belongs to this thread
	defer runtime.UnlockOSThread()
	p := proctest.Start(t, "sleep", "1000")
	children, err := procfs.Children()
	require.NoError(t, err)
	assert.Contains(t, children, p.Pid)
	children, err = procfs.MainThreadChildren()
	require.NoError(t, err)
	assert.Equal(t, unix.Gettid() == os.Getpid(), slices.Contains(children, p.Pid))
}

func TestChildrenAreNotListed(t *testing.T) {
	file := procfs.ChildrenFile
	t.Cleanup(func() { procfs.ChildrenFile = file })
	procfs.ChildrenFile = "no such file"
	_, err := procfs.Children()
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = procfs.MainThreadChildren()
	assert.ErrorIs(t, err, fs.ErrNotExist)
}
