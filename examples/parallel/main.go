// Parallel runs a command for each line of its standard input, several at a
// time:
//
//	find . -name '*.go' | parallel -j 32 -- sha256sum {}
//
// Usage:
//
//	parallel [-j jobs] [-k] [-grace duration] [--] command [argument ...]
//
// Each {} in the command and its arguments stands for the line. If there is
// none, the line is added as the last argument. No shell is involved. A line
// is all up to the newline, blanks and any carriage return included, as for
// xargs -d '\n'. Empty lines are skipped.
//
// The flags are:
//
//	-j jobs
//		Run at most so many commands at once (default: the number of CPUs).
//	-k
//		Keep the order of the input in the output. Otherwise it is that in
//		which the commands have ended.
//	-grace duration
//		How long commands may go on after an interrupt (default 10s).
//
// What a command writes is printed in one piece, once it has ended and nobody
// has its output open any more. Its standard input is empty.
//
// A command that can't be started or fails is reported on standard error, and the
// others go on. If standard error is a terminal, it shows the progress, too.
//
// # Memory
//
// The input is read some MiB ahead, to know how much there is to do. Output that
// can't be printed yet, because with -k an earlier command has not ended or
// because nobody reads it, is kept in memory. While that is more than 64 MiB, no
// command is started. The earliest one is always running already, so
// this delays the others but never blocks them.
//
// # Interrupts
//
// After an interrupt (Ctrl-C), SIGTERM or SIGHUP, no command is started. The
// running ones are killed when -grace is over or at a second interrupt.
//
// They don't get the Ctrl-C themselves, for each is in a process group of its
// own. That keeps all other keys from them, too: Ctrl-Z stops parallel but not
// them, and one that reads its controlling terminal is stopped by the system.
//
// # Exit status
//
//	0    all commands succeeded
//	1    a command failed, or the input or output did
//	2    parallel was called in a wrong way
//	130  parallel was interrupted
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"go.execx.dev/examples/internal/interrupts"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	os.Exit(run(interrupts.Notify(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main, but for what it takes from the process. It returns the exit
// status.
func run(interrupts <-chan os.Signal, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o := options{maxHeld: 64 << 20, maxAhead: 16 << 20}
	flags := flag.NewFlagSet("parallel", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.jobs, "j", runtime.NumCPU(), "run at most so many `jobs` at once")
	flags.BoolVar(&o.keepOrder, "k", false, "keep the order of the input in the output")
	flags.DurationVar(&o.grace, "grace", 10*time.Second, "how long commands may go on after an interrupt")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: parallel [-j jobs] [-k] [-grace duration] [--] command [argument ...]")
		flags.PrintDefaults()
	}

	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	}
	o.command = flags.Args()
	if len(o.command) == 0 || o.jobs < 1 {
		if o.jobs < 1 {
			fmt.Fprintf(stderr, "invalid value %d for flag -j: less than 1\n", o.jobs)
		}
		flags.Usage()
		return exitUsage
	}
	return newScheduler(o, stdin, stdout, stderr).run(interrupts)
}
