// Package pidfd watches processes for their end without a thread per process.
//
// On Linux, an [os.Process] holds a pidfd: a file descriptor that refers to one process, even after
// its PID is reused, and that becomes readable when the process ends. All watched pidfds are in one
// epoll set, which can itself be polled. A single goroutine, parked in the runtime's network
// poller, waits for all of them. It runs only while something is watched.
//
// On kernels before 5.4, and in sandboxes that refuse the system calls, an os.Process has no pidfd.
// Such a process can be watched only if it is a child, and only by its PID. Again a single
// goroutine, which runs only while something is watched, waits for SIGCHLD and then calls waitid(2)
// for each child. Package os/signal needs a goroutine and two threads to receive signals, and keeps
// them after their first use.
//
// This package makes every pidfd system call of the module. It reaps a child only if the caller
// requests it.
//
// On Windows, a process is watched through its handle, by RegisterWaitForSingleObject: the thread
// pool of the system uses one thread per 63 processes. A group is a job object.
//
// On other systems, every function fails with an error that wraps [errors.ErrUnsupported], and the
// caller has to block in [os.Process.Wait].
package pidfd
