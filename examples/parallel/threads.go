package main

import (
	"runtime"
	"sync"
)

// reserveThreads has the runtime create the threads that this program may need at once, before the
// commands take all that the limit on processes allows: a Go program that gets no thread aborts. A
// thread that nothing runs on remains for later.
func reserveThreads() {
	// Beside what runs, a thread each is blocked in system calls to read the input, to start a
	// command, to write its output, for the log, for signals and for the poller of the runtime.
	n := runtime.GOMAXPROCS(0) + 6
	var all, left sync.WaitGroup
	all.Add(n)
	for range n {
		left.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait()
		})
	}
	left.Wait()
}
