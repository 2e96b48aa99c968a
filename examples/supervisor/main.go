// Supervisor keeps a list of commands alive:
//
//	supervisor examples/supervisor/supervisor.conf
//
// Usage:
//
//	supervisor [flags] file
//	supervisor -status [-socket path] file
//
// The file has a line for each command:
//
//	# comment
//	name: command [argument ...]
//
// A name consists of ASCII letters, digits, '-', '_' and '.', and is that of one command only. The
// command and its arguments are separated by blanks. One that contains blanks or quotes, or is
// empty, is put in double quotes or in back quotes, as a string in Go. No shell is involved: there
// are no variables, and a '#' begins a comment only where it begins the line. Empty lines are
// skipped.
//
// The commands are started in the order of the file. One that ends is started again, whatever its
// exit status, and so is one that can't be started. All have the working directory and the
// environment of supervisor, and an empty standard input.
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
//		How long all commands together may take to end when they are shut down
//		(default 8s).
//	-log file
//		Append all lines to the file, and not to standard output and error.
//	-time=false
//		Do not begin each line with the time.
//	-raw
//		Leave the output of the commands as it is. See below.
//	-socket path
//		Where -status is answered: a unix socket. By default that is the path of
//		the file and ".sock"; "" is none.
//	-status
//		Print how the supervisor of the file is doing, and exit.
//
// Up to half of each delay is taken off at random, lest commands that have failed together, because
// of one that they all need, go on doing so in step.
//
// # Output
//
// What commands write, to standard output or standard error, goes to the standard output of
// supervisor, each line after the time and the name of the command. A line longer than 4 KiB
// becomes several. If nobody reads them, a command is blocked once its pipe is full, but is
// supervised all the same.
//
// With -raw the commands inherit the standard output and error of supervisor.
//
// What supervisor says of the commands goes to its standard error. It waits for nobody to read
// that: when 4,096 messages are unread, others are left out, and it says how many.
//
// What can't be written, because the reader has gone or the disk is full, is lost. Supervisor says
// so when that begins, and how many lines and bytes it was when they can be written again, and at
// the end. The commands don't notice.
//
// # Signals
//
// At SIGHUP the file is read again. Commands that are new in it are started, those that are gone
// from it are shut down, and those that have changed are shut down and started again, each in up to
// -grace, and all others are left alone. If the file has an error, all remains as it is.
//
// At SIGUSR1 the file of -log is opened again, so that it can be renamed before.
//
// An interrupt (Ctrl-C) or SIGTERM is for the shutdown, see below. An interrupt or a SIGHUP that
// was ignored when supervisor was started, as by nohup, remains so. There are neither SIGHUP nor
// SIGUSR1 on Windows.
//
// # Groups
//
// Each command runs in a process group of its own, which Ctrl-C at the terminal doesn't reach: it
// is for supervisor to shut the commands down. What a command has left of its group is killed when
// the command has ended, and is gone before the command is started again. That takes Linux 6.9;
// elsewhere it lives on. A process that is not gone after 5 seconds is no longer waited for. One
// that has ended is gone once its parent, most likely the init process, has waited for it.
//
// # Shutdown
//
// At an interrupt nothing is started any more, and the commands are shut down in the reverse order
// of the file: SIGTERM to the group of one, and when all of it is gone, or does not go in its share
// of half of -grace, to that of the next. All that is left when -grace is over is killed, and so it
// is at a second interrupt. A third one leaves without waiting for their end. Where there is no
// SIGTERM, all are killed. The default of -grace is for containers, which are killed after 10
// seconds by docker stop.
//
// When supervisor itself is killed, or crashes, the commands are killed, too, so that the next
// supervisor does not start them beside those of the last one. That is so on Linux, FreeBSD and
// Windows. What a command has started may go on, but on Windows.
//
// # Status
//
// The status has a line for each command: its state, which is running, waiting (to be started
// again) or stopping, its process, since when it is in that state, how often it was started again,
// and how it has ended last. The socket, which is for the user of supervisor only, sends the same
// as JSON to whoever connects. It also keeps a second supervisor of the same file from starting.
//
// # Cost
//
// One goroutine supervises all commands, however many there are, and what it costs to learn of the
// end of one does not depend on their number. No thread waits for a command where execx needs none.
// A command that runs takes two descriptors.
//
// The names before the lines cost a goroutine for each command, parked while there is nothing to
// read, and one more descriptor. With -raw there is neither.
//
// # Exit status
//
//	0  all commands were shut down
//	1  the file has an error or can't be read, a command had to be killed, or there is
//	   a supervisor already, or for -status none
//	2  supervisor was called in a wrong way
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(notify(), os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `usage: supervisor [flags] file
       supervisor -status file
flags:`

// run is main, but for what it takes from the process. It returns the exit status.
func run(sig signals, args []string, stdout, stderr io.Writer) int {
	o := options{backoff: backoff{random: rand.Int64N}}
	flags := flag.NewFlagSet("supervisor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.first, "delay", time.Second, "how long to wait before a command is started again")
	flags.DurationVar(&o.max, "max-delay", time.Minute, "the longest that the delay becomes by doubling")
	flags.DurationVar(&o.stable, "stable", 10*time.Second, "how long a command has to run for the delay to be the first one again")
	flags.DurationVar(&o.grace, "grace", 8*time.Second, "how long all commands together may take to end when they are shut down")
	flags.BoolVar(&o.raw, "raw", false, "leave the output of the commands as it is")
	flags.BoolVar(&o.timestamps, "time", true, "begin each line with the time")
	flags.StringVar(&o.logPath, "log", "", "append all lines to this `file`, opened again at SIGUSR1")
	socketGiven := false
	flags.Func("socket", "where -status is answered, a unix socket; \"\" for nowhere (default: the `path` of the file and \".sock\")", func(path string) error {
		o.socket, socketGiven = path, true
		return nil
	})
	status := flags.Bool("status", false, "print the status of the supervisor of the file, and exit")
	flags.Usage = func() {
		fmt.Fprintln(stderr, usage)
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
	o.file = flags.Arg(0)
	if !socketGiven {
		o.socket = o.file + ".sock"
	}

	if *status {
		if err := printStatus(stdout, o.socket); err != nil {
			fmt.Fprintf(stderr, "supervisor: %v\n", err)
			return exitFailed
		}
		return 0
	}
	commands, err := load(o.file)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	s, err := newSupervisor(o, commands, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "supervisor: %v\n", err)
		return exitFailed
	}
	return s.run(sig)
}
