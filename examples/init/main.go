// Init is a PID 1 for containers. It runs a command, forwards signals to it, and reaps what other
// processes leave behind:
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
//		Forward signals to the whole process group of the command, and not
//		only to the command.
//	-grace duration
//		How long other processes may keep running after the command has
//		exited (default 5s).
//
// It needs Linux.
//
// # Signals
//
// Init forwards every signal to the command, even if the signal arrives before the command has
// started. The exceptions are
//
//   - SIGKILL and SIGSTOP, which cannot be caught;
//   - SIGCHLD, SIGTTIN and SIGTTOU, which concern init itself;
//   - SIGURG, SIGPROF and the signals 32 to 34, which are used by the Go runtime or a C library.
//
// If SIGHUP or SIGINT was ignored when init started, for example because of nohup, it remains
// ignored. A real-time signal is forwarded without its value, and if several arrive at once,
// perhaps only one is forwarded.
//
// # Terminal
//
// The command leads its own process group. If standard input is a terminal, and init is in its
// foreground, that group becomes the foreground process group: it can read from the terminal, and
// receives the signals of Ctrl-C, Ctrl-Z and changes of the window size.
//
// # Orphans
//
// A process whose parent has exited becomes a child of init, which reaps it. When the command has
// exited, init sends SIGTERM to all other processes of the container, including those of docker
// exec. Init exits when they have exited or the grace period is over; the kernel then kills the
// rest.
//
// If it is not PID 1, init becomes a subreaper, so that it still reaps the orphans among the
// descendants of the command. It leaves those that are alive at the end to the next reaper.
//
// # Exit status
//
//	n      the command exited with status n
//	128+n  the command was terminated by signal n
//	2      the command line is invalid
//	126    the command cannot be started
//	127    the command was not found
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
	signals := catch() // first: until then, SIGTERM terminates init
	var o options
	flag.BoolVar(&o.group, "g", false, "forward signals to the process group of the command")
	flag.DurationVar(&o.grace, "grace", 5*time.Second, "how long other processes may keep running after the command has exited")
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
