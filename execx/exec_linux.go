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

// isStolen reports whether err is that of reaping a process that another part of the program has
// reaped.
func isStolen(err error) bool {
	return errors.Is(err, syscall.ECHILD) || errors.Is(err, os.ErrProcessDone)
}

// unlessStolen returns state and err, the results of reaping p. If another part of the program has
// reaped it and the kernel still has its exit status, it returns what they would have been
// otherwise.
func unlessStolen(p pidfd.Process, state *os.ProcessState, err error) (*os.ProcessState, error) {
	if state != nil || !isStolen(err) {
		return state, err
	}
	stats.stolen.Add(1)
	status, ok := p.Status()
	if !ok || !processStateIsKnown() {
		return nil, err
	}
	state = new(os.ProcessState)
	*(*processState)(unsafe.Pointer(state)) = processState{
		pid:    p.Pid,
		status: syscall.WaitStatus(status),
		rusage: new(syscall.Rusage),
	}
	return state, exitError(state)
}

// A processState has the layout of [os.ProcessState].
type processState struct {
	pid    int
	status syscall.WaitStatus
	rusage *syscall.Rusage
}

// processStateIsKnown reports whether that is still true.
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
