// Package pidfd tells when processes end, without a thread per process.
//
// On Linux an [os.Process] holds a pidfd: a descriptor that names one process
// for ever, whatever becomes of its number, and that polls readable once the
// process has ended. All watched pidfds are in one epoll set, which is itself
// pollable: one goroutine, parked in the runtime's network poller, waits for
// all of them. It runs only while something is watched.
//
// This package makes every pidfd system call of the module. It never reaps:
// the end of a process is for its owner to collect.
//
// Where there are no pidfds every function fails with an error that wraps
// [errors.ErrUnsupported] or [os.ErrNoHandle], and the caller is left to wait
// in [os.Process.Wait].
package pidfd
