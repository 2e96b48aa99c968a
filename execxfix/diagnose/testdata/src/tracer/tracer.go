//go:build linux

package tracer

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

func trace(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true} // want "traces processes"
	c.SysProcAttr.Ptrace = true                        // want "traces processes"
	_ = syscall.SysProcAttr{Ptrace: false}
	syscall.PtraceCont(1, 0) // want "traces processes"
	unix.PtraceAttach(1)     // want "traces processes"
}
