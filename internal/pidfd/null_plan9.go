package pidfd

import "syscall"

// Null is the null signal, which checks whether a process exists.
const Null = syscall.Note("")
