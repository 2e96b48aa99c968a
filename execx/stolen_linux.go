package execx

import (
	"errors"
	"os"
	"reflect"
	"sync"
	"syscall"
	"unsafe"

	"go.execx.dev/internal/pidfd"
)

// stolen returns the result of a process that could not be reaped because of err. If
// somebody else has reaped it and the kernel remembers how it ended, that is what it
// would have been; else it is err.
func stolen(p pidfd.Process, err error) (*os.ProcessState, error) {
	if !errors.Is(err, syscall.ECHILD) && !errors.Is(err, os.ErrProcessDone) {
		return nil, err
	}
	stats.stolen.Add(1)
	status, ok := p.Status()
	if !ok || !processStateIsKnown() {
		return nil, err
	}
	state := new(os.ProcessState)
	*(*processState)(unsafe.Pointer(state)) = processState{
		pid:    p.Pid,
		status: syscall.WaitStatus(status),
		rusage: new(syscall.Rusage),
	}
	return state, exitError(state)
}

// A processState is an [os.ProcessState], which only package os can make.
type processState struct {
	pid    int
	status syscall.WaitStatus
	rusage *syscall.Rusage
}

// processStateIsKnown reports whether it still is.
var processStateIsKnown = sync.OnceValue(func() bool {
	ours, theirs := reflect.TypeFor[processState](), reflect.TypeFor[os.ProcessState]()
	if ours.NumField() != theirs.NumField() {
		return false
	}
	for i := range ours.NumField() {
		a, b := ours.Field(i), theirs.Field(i)
		if a.Name != b.Name || a.Type != b.Type || a.Offset != b.Offset {
			return false
		}
	}
	return true
})
