//go:build unix

package execx_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	exec "go.execx.dev/execx"
)

// A deferred Close is always correct, whatever has happened to the command.
func ExampleCmd_Close() {
	c := exec.Command("sleep", "1000")
	defer c.Close()
	c.KillOnClose = true // otherwise, it would run on, and be reaped when it ends
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(c.WaitContext(ctx))
	// Output: context deadline exceeded
}

// After Close, Wait and the calls that are already waiting return ErrClosed.
func ExampleErrClosed() {
	c := exec.Command("sleep", "1000")
	c.KillOnClose = true
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	c.Close()
	err := c.Wait()
	fmt.Println(err)
	fmt.Println(err == exec.ErrClosed, errors.Is(err, os.ErrClosed))
	// Output:
	// exec: command closed
	// true true
}

func ExampleCmd_Shutdown() {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	// The process has a minute to end by itself.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(c.Shutdown(ctx))
	// Output: signal: terminated
}

// A closed command ends in its own time. A program that is about to exit can wait for that.
func ExampleDrainOrphans() {
	for range 3 {
		c := exec.Command("sleep", "0.01")
		if err := c.Start(); err != nil {
			log.Fatal(err)
		}
		c.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(exec.DrainOrphans(ctx))
	fmt.Println(exec.Orphans())
	// Output:
	// <nil>
	// 0
}

func ExampleOrphans() {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	before := exec.Orphans()
	c.Close()
	fmt.Println(exec.Orphans() - before)

	c.Kill()
	exec.DrainOrphans(context.Background())
	// Output: 1
}

// When the context is done, the process and all processes that it has started get SIGTERM, and
// SIGKILL a minute later if they are still running.
func ExampleCommandContext_gracePeriod() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", "sleep 1000 & sleep 1000 & wait")
	cmd.ProcessGroup = true
	cmd.GracePeriod = time.Minute
	fmt.Println(cmd.Run())
	// Output: signal: terminated
}

// The processes started by a command end with it.
func ExampleCmd_processGroup() {
	c := exec.Command("sh", "-c", "sleep 1000 & sleep 1000 & wait")
	c.ProcessGroup = true
	c.KillOnClose = true
	defer c.Close()
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Kill())
	fmt.Println(c.Wait())
	// Output:
	// <nil>
	// signal: killed
}
