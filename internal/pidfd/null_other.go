//go:build !plan9

package pidfd

import "syscall"

// Null is the signal that only asks whether there is a process.
const Null = syscall.Signal(0)
