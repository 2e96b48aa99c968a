//go:build !linux && !plan9

package pidfd

import "syscall"

// null is the signal that only asks whether there is a process.
const null = syscall.Signal(0)
