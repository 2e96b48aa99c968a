package procfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ChildrenFile is the name of the file that lists the children of a thread, see
// proc_tid_children(5). It does not exist without CONFIG_PROC_CHILDREN.
var ChildrenFile = "children" // changed by tests

// Children returns the PIDs of the children of this process, as listed by the kernel. Children may
// be missing if others start or end meanwhile. The error wraps [fs.ErrNotExist] if the kernel does
// not list children.
func Children() (pids []int, err error) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	err = fs.ErrNotExist
	for _, thread := range threads {
		of, readErr := childrenOf(thread.Name())
		switch {
		case readErr == nil:
			err = nil
			pids = append(pids, of...)
		case errors.Is(readErr, fs.ErrNotExist), errors.Is(readErr, unix.ESRCH): // the thread has ended
		default:
			return nil, readErr
		}
	}
	return pids, err
}

// MainThreadChildren is like Children, for the children of the main thread only. They include
// orphans.
func MainThreadChildren() ([]int, error) { return childrenOf(strconv.Itoa(os.Getpid())) }

func childrenOf(thread string) (pids []int, err error) {
	list, err := os.ReadFile("/proc/self/task/" + thread + "/" + ChildrenFile)
	for field := range bytes.FieldsSeq(list) {
		if pid, err := strconv.Atoi(string(field)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}
