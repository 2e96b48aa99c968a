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
//		How long other processes may go on when the command has ended
//		(default 5s).
//
// It needs Linux.
//
// # Signals
//
// Init forwards every signal to the command, even if it arrives before the command is started. The
// exceptions are
//
//   - SIGKILL and SIGSTOP, which cannot be caught;
//   - SIGCHLD, SIGTTIN and SIGTTOU, which concern init itself;
//   - SIGURG, SIGPROF and the signals 32 to 34, which the Go runtime or a C library use themselves.
//
// SIGHUP and SIGINT remain ignored if they were when init was started, by nohup for instance. A
// real-time signal is forwarded without its value, and perhaps only once if it arrives several
// times at once.
//
// # Terminal
//
// The command leads a process group of its own. If standard input is a terminal, and init is in its
// foreground, that group becomes the foreground process group: it can read from the terminal, and
// gets Ctrl-C, Ctrl-Z and changes of the window size.
//
// # Orphans
//
// A process whose parent has ended becomes a child of init, which reaps it. When the command has
// ended, init sends SIGTERM to all other processes of the container, including those of docker
// exec. It exits when they have ended or -grace is over, and then the kernel kills the rest.
//
// If it is not PID 1, init becomes a subreaper, so that it still reaps the orphans among the
// descendants of the command. Those that are alive at the end are left to the next reaper.
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
