// Package pidfd tells when processes end, without a thread per process.
//
// On Linux an [os.Process] holds a pidfd: a descriptor that names one process
// for ever, whatever becomes of its number, and that polls readable once the
// process has ended. All watched pidfds are in one epoll set, which is itself
// pollable: one goroutine, parked in the runtime's network poller, waits for
// all of them. It runs only while something is watched.
//
// Kernels before 5.4 and sandboxes that refuse the system calls leave an
// os.Process without pidfd. It is then watched if it is a child, by its number:
// one goroutine, for all of them again and only while something is watched,
// waits for SIGCHLD and asks waitid(2) about each. What os/signal needs to receive
// signals, a goroutine and two threads, stays once it was used.
//
// This package makes every pidfd system call of the module. It reaps only when told to:
// the end of a process is for its owner to collect.
//
// On Windows a process is named by a handle, and RegisterWaitForSingleObject tells of its end:
// the system's thread pool waits for 63 of them with each thread. A group is a job object.
//
// Elsewhere every function fails with an error that wraps
// [errors.ErrUnsupported], and the caller is left to wait in [os.Process.Wait].
package pidfd
