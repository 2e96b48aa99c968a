//go:build !unix || aix || solaris

package execx

import (
	"os"
	"syscall"
)

// traced returns false: package syscall can't start a traced process.
func traced(attr *syscall.SysProcAttr) bool { return false }

// stopped returns false.
func stopped(state *os.ProcessState) bool { return false }
