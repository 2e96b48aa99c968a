package main

import (
	"runtime"
	"sync"
)

// reserveThreads makes the Go runtime create all threads that this program may need at the same
// time, before the commands use up the limit on processes: a Go program aborts if it cannot create
// a thread. The runtime keeps idle threads for later use.
func reserveThreads() {
	// Besides the running goroutines, system calls can block one thread each: reading the input,
	// starting a command, writing output, writing the log, receiving signals, and the runtime's
	// poller.
	n := runtime.GOMAXPROCS(0) + 6
	var started, exited sync.WaitGroup
	started.Add(n)
	for range n {
		exited.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			started.Wait()
		})
	}
	exited.Wait()
}
