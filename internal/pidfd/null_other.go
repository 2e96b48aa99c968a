//go:build !plan9

package pidfd

import "syscall"

// Null is the null signal, which checks whether a process exists.
const Null = syscall.Signal(0)
