// Threads shows what it costs to wait for many child processes, with os/exec and with execx:
//
//	go run ./examples/threads
//
// Usage:
//
//	threads [-n children]
//
// It starts that many children (default 1000) twice, once from a process that uses os/exec and once
// from one that uses execx, each with a goroutine in Wait for each child. It prints a table with a
// row for each of the two processes:
//
//	threads           its number of threads while it waits for all children
//	resident          its resident memory at that time
//	kernel stacks     how much the kernel stacks of the whole machine grew when
//	                  it began to wait, which excludes those of its children
//	killed to reaped  the time from killing the first child to the end of the
//	                  last Wait
//
// All but the last are n/a without the proc file system of Linux, except for the number of threads
// on Windows. Linux reports only the total size of the kernel stacks of all processes, so other
// programs that start or end meanwhile affect that value. It is 0 if the total has shrunk.
//
// The Go runtime aborts a program that needs more than 10,000 threads. With about 10,000 children,
// the row of os/exec says so. Each child needs a file descriptor and a PID; see ulimit -n and -u.
//
// The children run cat or, if there is no cat, this program.
//
// # Exit status
//
//	0  the table is complete, except that os/exec may have been aborted
//	1  something failed, or threads was interrupted
//	2  the command line is invalid
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

// roleEnv is the environment variable that selects a role for the processes that this program
// starts: childRole or a key of packages.
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

// run is main without global state. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("threads", flag.ContinueOnError)
	flags.SetOutput(stderr)
	n := flags.Int("n", 1000, "start this many `children`")
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
		m, err := measureInSubprocess(ctx, pkg, *n)
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

// abortedError is the first line that a measuring process wrote when it crashed.
type abortedError string

func (e abortedError) Error() string { return "aborted: " + string(e) }

// measureInSubprocess measures pkg in a separate process.
//
// The children of that process inherit its standard error, so Output reads to the end only when
// they have all exited, too: even a process killed because of ctx leaves none behind, and none
// occupies a PID when the next measurement begins.
func measureInSubprocess(ctx context.Context, pkg string, n int) (*measurement, error) {
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

// failure converts an error of Output into one to show the user.
func failure(err error) error {
	exitErr, ok := errors.AsType[*execx.ExitError](err)
	if !ok {
		return err
	}
	line, _, _ := strings.Cut(string(exitErr.Stderr), "\n")
	if exitErr.ExitCode() == exitFailed && line != "" {
		return errors.New(line)
	}
	if line == "" { // it was killed; the kernel does that silently if memory runs out
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
