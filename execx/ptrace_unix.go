//go:build unix && !aix && !solaris

package execx

import (
	"os"
	"syscall"
)

// traced reports whether this program is the tracer of a process started with attr.
func traced(attr *syscall.SysProcAttr) bool {
	return attr != nil && attr.Ptrace
}

// stopped reports whether state is that of a process that was stopped and has not ended.
func stopped(state *os.ProcessState) bool {
	if state == nil {
		return false
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Stopped()
}
