// Contention waits for commands with every method that blocks. It prints for how many seconds its
// goroutines have been blocked on mutexes meanwhile, and fails if a goroutine dump shows one that
// is. It is a program of its own because waiting works differently in tests: see its test.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"runtime"
	"runtime/metrics"
	"sync"

	"go.execx.dev/execx"
)

func main() {
	log.SetFlags(0)
	before := waited()
	var all sync.WaitGroup
	for _, wait := range []func(c *execx.Cmd) error{
		(*execx.Cmd).Run,
		func(c *execx.Cmd) error { _, err := c.Output(); return err },
		func(c *execx.Cmd) error { return after(c, func() error { return c.WaitContext(context.Background()) }) },
		func(c *execx.Cmd) error {
			return after(c, func() error { return execx.AwaitExit(context.Background(), c.Process) })
		},
	} {
		for range 5 {
			all.Go(func() {
				if err := wait(execx.Command("sleep", "1")); err != nil {
					log.Fatal(err)
				}
			})
		}
	}
	if !blocked() {
		log.Fatal("nothing is waited for")
	}
	all.Wait()
	fmt.Printf("%.1f\n", waited()-before)
}

// after starts c, calls wait, and reaps c.
func after(c *execx.Cmd, wait func() error) error {
	if err := c.Start(); err != nil {
		return err
	}
	defer c.Wait()
	return wait()
}

func waited() float64 {
	sample := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}

// blocked waits until goroutines are blocked waiting for commands, and reports whether it has seen
// that. It exits with a message if they seem to wait for a mutex.
func blocked() bool {
	waits := []byte("execx.(*blockedWaiter).await")
	for range 10_000 {
		dump := make([]byte, 1<<20)
		dump = dump[:runtime.Stack(dump, true)]
		if bytes.Count(dump, waits) < 10 {
			runtime.Gosched()
			continue
		}
		for goroutine := range bytes.SplitSeq(dump, []byte("\n\n")) {
			if bytes.Contains(goroutine, waits) && bytes.Contains(goroutine, []byte("[sync.Mutex.Lock]")) {
				log.Fatalf("a mutex is waited for:\n%s", goroutine)
			}
		}
		return true
	}
	return false
}
