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
// A name consists of ASCII letters, digits, '-', '_' and '.', and must be unique. The command and
// its arguments are separated by blanks. An argument that contains blanks or quotes, or is empty,
// must be written as a Go string literal, in double quotes or back quotes. No shell is involved:
// there are no variables, and '#' starts a comment only at the beginning of a line. Empty lines are
// ignored.
//
// Supervisor starts the commands in the order of the file. It restarts a command that ends,
// whatever its exit status, and retries one that can't be started. Commands inherit the working
// directory and the environment of supervisor, and their standard input is empty.
//
// The flags are:
//
//	-delay duration
//		How long to wait before a command is started again (default 1s). The
//		delay doubles each time.
//	-max-delay duration
//		The maximum delay (default 1m).
//	-stable duration
//		How long a command must run for its delay to be reset to the initial
//		one (default 10s).
//	-grace duration
//		How long all commands together may take to end when they are shut down
//		(default 8s).
//	-log file
//		Append all lines to the file instead of standard output and standard error.
//	-time=false
//		Do not prefix each line with the time.
//	-raw
//		Pass the output of the commands through unchanged. See below.
//	-socket path
//		The path of the unix socket for -status. The default is the path of the
//		file with ".sock" appended; "" means no socket.
//	-status
//		Print the status of the supervisor of the file, and exit.
//
// A random part of up to half of each delay is subtracted. Otherwise commands that failed together,
// because of something that they all need, would keep failing in step.
//
// # Output
//
// Supervisor copies the standard output and standard error of the commands to its own standard
// output, and prefixes each line with the time and the name of the command. A line longer than 4
// KiB is split. If the output is not read, a command blocks once its pipe is full, but it is still
// supervised.
//
// With -raw the commands inherit the standard output and error of supervisor.
//
// Supervisor writes its own messages to standard error. It never blocks on them: when 4,096
// messages are unread, it drops further ones, and reports how many.
//
// Output that can't be written, because the reader has gone or the disk is full, is lost.
// Supervisor reports when that begins and, once output can be written again and before it exits,
// how many lines and bytes were lost. The commands are not affected.
//
// # Signals
//
// On SIGHUP, supervisor reads the file again. It starts new commands, shuts down removed ones, and
// restarts changed ones; each shutdown takes at most -grace. Other commands are not affected. If
// the file is invalid, nothing changes.
//
// On SIGUSR1, supervisor reopens the -log file, so that the old one can be renamed first.
//
// An interrupt (Ctrl-C) or SIGTERM begins the shutdown, see below. If an interrupt or SIGHUP was
// ignored when supervisor was started, as nohup does for SIGHUP, it remains ignored. Windows has
// neither SIGHUP nor SIGUSR1.
//
// # Groups
//
// Each command runs in its own process group, which Ctrl-C at the terminal doesn't reach:
// supervisor shuts the commands down. When a command has ended, supervisor kills the processes that
// remain in its group, and waits until they are gone before it restarts the command. This requires
// Linux 6.9; elsewhere these processes live on. Supervisor waits at most 5 seconds for them. A
// process that has ended is gone once its parent, most likely the init process, has reaped it.
//
// # Shutdown
//
// After an interrupt, supervisor starts no more commands, and shuts the running ones down in the
// reverse order of the file. It sends SIGTERM to the group of a command, and goes on with the next
// command when the group is gone, or when the command has used up its share of half of -grace. When
// -grace is over, or at a second interrupt, supervisor kills all that remain. At a third interrupt,
// it exits without waiting for them. Where there is no SIGTERM, the commands are killed. The
// default of -grace suits containers, which docker stop kills after 10 seconds.
//
// If supervisor itself is killed or crashes, the commands are killed, too, so that the next
// supervisor does not start them a second time. This works on Linux, FreeBSD and Windows. Processes
// that a command has started may survive, except on Windows.
//
// # Status
//
// The status has a line for each command: its state, which is running, waiting (for its next start)
// or stopping, its PID, when it entered that state, how often it was restarted, and how it last
// ended. The socket, which only the user of supervisor may connect to, sends the same as JSON to
// each client. It also prevents a second supervisor of the same file from starting.
//
// # Cost
//
// A single goroutine supervises all commands, and the cost of noticing the end of one does not
// depend on their number. Where execx needs no thread to wait, supervisor has none. A running
// command takes two descriptors.
//
// Prefixing the lines takes one goroutine per command, parked while there is nothing to read, and
// one more descriptor. With -raw it takes neither.
//
// # Exit status
//
//	0  all commands were shut down
//	1  the file is invalid or can't be read, a command had to be killed, a supervisor
//	   of the file is already running or, with -status, none is
//	2  the command line is invalid
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

// run is main without its dependencies on the process. It returns the exit status.
func run(sig signals, args []string, stdout, stderr io.Writer) int {
	o := options{backoff: backoff{random: rand.Int64N}}
	flags := flag.NewFlagSet("supervisor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.first, "delay", time.Second, "how long to wait before a command is restarted; doubles each time")
	flags.DurationVar(&o.max, "max-delay", time.Minute, "the maximum delay")
	flags.DurationVar(&o.stable, "stable", 10*time.Second, "how long a command must run for its delay to be reset")
	flags.DurationVar(&o.grace, "grace", 8*time.Second, "how long all commands together may take to end when they are shut down")
	flags.BoolVar(&o.raw, "raw", false, "pass the output of the commands through unchanged")
	flags.BoolVar(&o.timestamps, "time", true, "prefix each line with the time")
	flags.StringVar(&o.logPath, "log", "", "append all lines to this `file`, reopened on SIGUSR1")
	socketGiven := false
	flags.Func("socket", "the `path` of the unix socket for -status; \"\" means no socket (default: the path of the file with \".sock\" appended)", func(path string) error {
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
