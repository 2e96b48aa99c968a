//go:build !unix || aix || solaris

package execx

import (
	"os"
	"syscall"
)

// traced reports whether a process that is started with attr has this program as its
// tracer. There is no way to ask for that here.
func traced(attr *syscall.SysProcAttr) bool { return false }

// stopped reports whether state is a stop of a process that has not ended.
func stopped(state *os.ProcessState) bool { return false }
