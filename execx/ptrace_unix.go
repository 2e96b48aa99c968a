//go:build unix && !aix && !solaris

package execx

import (
	"os"
	"syscall"
)

// traced reports whether a process that is started with attr has this program as its
// tracer.
func traced(attr *syscall.SysProcAttr) bool {
	return attr != nil && attr.Ptrace
}

// stopped reports whether state is a stop of a process that has not ended.
func stopped(state *os.ProcessState) bool {
	if state == nil {
		return false
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Stopped()
}
