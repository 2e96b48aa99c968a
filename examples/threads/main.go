// Threads shows what it costs to wait for many child processes, with os/exec and with execx:
//
//	go run ./examples/threads
//
// Usage:
//
//	threads [-n children]
//
// It starts so many children (default 1000) twice, once from a process that uses os/exec and once
// from one that uses execx, with a goroutine in Wait for each. The table that it prints has a row
// for each of the two processes:
//
//	threads           how many it has while all children are waited for
//	resident          its resident memory then
//	kernel stacks     by how much those of the system grew when it began to wait;
//	                  those of the children are not in it
//	killed to reaped  the time from killing the first child to the end of the
//	                  last Wait
//
// All but the last are n/a where there is no proc file system of Linux, except for the threads on
// Windows. Since the kernel counts the stacks of all programs, what others do is in it, too.
//
// The Go runtime aborts a program that needs more than 10,000 threads, so with some 10,000 children
// the row of os/exec says just that. Each child needs a descriptor and a process number; see ulimit
// -n and -u.
//
// The children are cats, if there is a cat, and else this program again.
//
// # Exit status
//
//	0  the table is complete, except that os/exec may have been aborted
//	1  something failed, or threads was interrupted
//	2  threads was called in a wrong way
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"go.execx.dev/execx"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// roleEnv is the environment variable that makes this program play another role than that of the
// one the user has started: childRole or a key of packages.
const (
	roleEnv   = "EXECX_EXAMPLE_THREADS_ROLE"
	childRole = "child"
)

func main() {
	switch role := os.Getenv(roleEnv); role {
	case "":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
		os.Exit(status)
	case childRole:
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	default:
		os.Exit(report(role, os.Args[1:], os.Stdout, os.Stderr))
	}
}

// run is main, but for what it takes from the process. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("threads", flag.ContinueOnError)
	flags.SetOutput(stderr)
	n := flags.Int("n", 1000, "start so many `children`")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: threads [-n children]")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case *n < 1:
		fmt.Fprintln(stderr, "threads: -n must be at least 1")
		return exitUsage
	case flags.NArg() > 0:
		flags.Usage()
		return exitUsage
	}

	status := 0
	table := tabwriter.NewWriter(stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%-7s\tthreads\tresident\tkernel stacks\tkilled to reaped\t\n", "")
	for _, pkg := range []string{"os/exec", "execx"} {
		m, err := measureApart(ctx, pkg, *n)
		var aborted abortedError
		switch {
		case err == nil:
			fmt.Fprintf(table, "%-7s\t%s\t%s\t%s\t%v\t\n",
				pkg, count(m.Threads), mebibytes(m.Resident), mebibytes(m.KernelStacks), m.Reaping.Round(time.Millisecond))
		case errors.As(err, &aborted):
			fmt.Fprintf(table, "%-7s\t-\t-\t-\t-\t   %v\n", pkg, err)
			if pkg != "os/exec" {
				status = exitFailed
			}
		default:
			fmt.Fprintf(stderr, "threads: %s: %v\n", pkg, err)
			return exitFailed
		}
	}
	if err := table.Flush(); err != nil {
		fmt.Fprintf(stderr, "threads: %v\n", err)
		return exitFailed
	}
	return status
}

// abortedError is the first line of what a measuring process wrote as it crashed.
type abortedError string

func (e abortedError) Error() string { return "aborted: " + string(e) }

// measureApart has a process of its own measure pkg.
//
// That process hands its standard error on to its children. So it is only when they are all gone,
// too, that Output has read to the end of it: none is left behind by a process that was killed
// because of ctx, and none takes up a process number when the next measurement begins.
func measureApart(ctx context.Context, pkg string, n int) (*measurement, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := execx.CommandContext(ctx, self, strconv.Itoa(n))
	c.Env = append(os.Environ(), roleEnv+"="+pkg)
	out, err := c.Output()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, failure(err)
	}
	m := new(measurement)
	return m, json.Unmarshal(out, m)
}

// failure returns what the user is told of an error of Output.
func failure(err error) error {
	exitErr, ok := errors.AsType[*execx.ExitError](err)
	if !ok {
		return err
	}
	line, _, _ := strings.Cut(string(exitErr.Stderr), "\n")
	if exitErr.ExitCode() == exitFailed && line != "" {
		return errors.New(line)
	}
	if line == "" { // it was killed: for want of memory, the kernel does that without a word
		line = exitErr.Error()
	}
	return abortedError(line)
}

func count(n *int) string {
	if n == nil {
		return "n/a"
	}
	return strconv.Itoa(*n)
}

func mebibytes(kib *int) string {
	if kib == nil {
		return "n/a"
	}
	return fmt.Sprintf("%.1f MiB", float64(*kib)/1024)
}
