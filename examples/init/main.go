// Init is a PID 1 for containers. It runs a command, and does beside it what the kernel
// expects of the first process:
//
//	init /usr/bin/server --port 8080
//
// Usage:
//
//	init [-g] [-grace duration] [--] command [argument ...]
//
// The flags are:
//
//	-g
//		Forward signals to the whole process group of the command, and not to
//		the command alone.
//	-grace duration
//		How long other processes may go on when the command has ended
//		(default 5s).
//
// It needs Linux.
//
// # Signals
//
// A signal that init gets it sends to the command, also one that arrives before the
// command is started. The exceptions are
//
//   - SIGKILL and SIGSTOP, which nobody can catch;
//   - SIGCHLD, SIGTTIN and SIGTTOU, which are about init itself;
//   - SIGURG, SIGPROF and 32 to 34, which the Go runtime or a C library have uses of
//     their own for.
//
// SIGHUP and SIGINT stay ignored if they were when init was started, by nohup for
// instance. A real-time signal is forwarded without its value, and once if it
// arrives several times at once.
//
// # Terminal
//
// The command leads a process group of its own. If standard input is the terminal that
// init is in the foreground of, that group becomes the foreground one: it can read
// the terminal, and gets Ctrl-C, Ctrl-Z and the changes of the window's size.
//
// # Orphans
//
// A process whose parent has ended becomes a child of init, which reaps it. When
// the command has ended, all that is left in the container is sent SIGTERM, what has
// entered it from outside included, as by docker exec. Init exits when none of it is
// left or -grace is over, and then the kernel kills the rest.
//
// A process other than PID 1 becomes a subreaper, so that the orphans among the
// descendants of the command are reaped all the same. Those that are alive at the end
// are left to the next reaper.
//
// # Exit status
//
//	n      the command has exited with n
//	128+n  the command was ended by signal n
//	2      init was called in a wrong way
//	126    the command can't be started
//	127    there is no such command
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

const exitUsage = 2

type options struct {
	command []string
	group   bool
	grace   time.Duration
}

func main() {
	signals := catch() // at once: until then, SIGTERM ends init
	var o options
	flag.BoolVar(&o.group, "g", false, "forward signals to the process group of the command")
	flag.DurationVar(&o.grace, "grace", 5*time.Second, "how long other processes may go on when the command has ended")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: init [-g] [-grace duration] [--] command [argument ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if o.command = flag.Args(); len(o.command) == 0 {
		flag.Usage()
		os.Exit(exitUsage)
	}
	os.Exit(run(signals, o))
}
