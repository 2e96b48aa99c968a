// Supervisor keeps a list of commands alive:
//
//	supervisor examples/supervisor/supervisor.conf
//
// Usage:
//
//	supervisor [-raw] [-delay duration] [-max-delay duration] [-stable duration] [-grace duration] file
//
// The file has a line for each command:
//
//	# comment
//	name: command [argument ...]
//
// A name consists of ASCII letters, digits, '-', '_' and '.', and is that of one
// command only. The command and its arguments are separated by blanks. One that
// contains blanks or quotes, or is empty, is put in double quotes or in back
// quotes, as a string in Go. No shell is involved: there are no variables, and a
// '#' begins a comment only where it begins the line. Empty lines are skipped.
//
// The commands are started in the order of the file. One that ends is started
// again, whatever its exit status, and so is one that can't be started. All have
// the working directory and the environment of supervisor, and an empty standard
// input.
//
// The flags are:
//
//	-delay duration
//		How long to wait before a command is started again (default 1s). The
//		delay doubles each time.
//	-max-delay duration
//		The delay does not become longer than that (default 1m).
//	-stable duration
//		The delay of a command that has run for so long is the first one again
//		(default 10s).
//	-grace duration
//		How long each command may take to end when all are shut down
//		(default 10s).
//	-raw
//		Leave the output of the commands as it is. See below.
//
// Up to half of each delay is taken off at random, lest commands that have
// failed together, because of one that they all need, go on doing so in step.
//
// What supervisor says of the commands goes to its standard error. If nobody
// reads that, nothing is restarted when its pipe is full.
//
// # Output
//
// What commands write, to standard output or standard error, goes to the
// standard output of supervisor, each line after the name of the command. A line
// longer than 4 KiB becomes several. If nobody reads them, a command is blocked
// once its pipe is full, but is supervised all the same.
//
// With -raw the commands inherit the standard output and error of supervisor.
//
// # Groups
//
// Each command runs in a process group of its own, which Ctrl-C at the terminal
// doesn't reach: it is for supervisor to shut the commands down. What a command
// has left of its group is killed when the command has ended, and is gone before
// the command is started again. That takes Linux 6.9; elsewhere it lives on. A
// process that is not gone after 5 seconds is no longer waited for. One that has
// ended is gone once its parent, most likely the init process, has waited for it.
//
// # Shutdown
//
// At an interrupt (Ctrl-C), SIGTERM or SIGHUP, nothing is started any more, and
// the commands are shut down in the reverse order of the file, each when the group
// of the one before is gone: SIGTERM to the group, and SIGKILL to what is left of
// it after -grace. A second interrupt kills all commands at once, and a third one
// leaves without waiting for their end. Where there is no SIGTERM, all are killed.
//
// # Cost
//
// One goroutine supervises all commands, however many there are, and what the end of one
// costs does not depend on their number. No thread waits for a command where execx needs none.
// A command that runs takes two descriptors.
//
// The names before the lines cost a goroutine for each command, parked while there
// is nothing to read, and one more descriptor. With -raw there is neither.
//
// # Exit status
//
//	0  all commands were shut down
//	1  the file has an error or can't be read, or a command had to be killed
//	2  supervisor was called in a wrong way
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"go.execx.dev/examples/internal/interrupts"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(interrupts.Notify(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is main, but for what it takes from the process. It returns the exit
// status.
func run(interrupts <-chan os.Signal, args []string, stdout, stderr io.Writer) int {
	o := options{backoff: backoff{random: rand.Int64N}}
	flags := flag.NewFlagSet("supervisor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.raw, "raw", false, "leave the output of the commands as it is")
	flags.DurationVar(&o.first, "delay", time.Second, "how long to wait before a command is started again")
	flags.DurationVar(&o.max, "max-delay", time.Minute, "the longest that the delay becomes by doubling")
	flags.DurationVar(&o.stable, "stable", 10*time.Second, "how long a command has to run for the delay to be the first one again")
	flags.DurationVar(&o.grace, "grace", 10*time.Second, "how long each command may take to end when all are shut down")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: supervisor [-raw] [-delay duration] [-max-delay duration] [-stable duration] [-grace duration] file")
		flags.PrintDefaults()
	}

	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case flags.NArg() != 1:
		flags.Usage()
		return exitUsage
	case o.first <= 0 || o.max < o.first:
		fmt.Fprintln(stderr, "supervisor: -delay must be more than 0, and -max-delay no less than -delay")
		return exitUsage
	}

	file := flags.Arg(0)
	text, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintf(stderr, "supervisor: %v\n", err)
		return exitFailed
	}
	commands, err := parse(string(text))
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(stderr, "%s:%s\n", file, strings.TrimSuffix(line, "\n"))
		}
		return exitFailed
	}
	return newSupervisor(o, commands, stdout, stderr).run(interrupts)
}
