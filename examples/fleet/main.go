// Fleet runs a command for each line of its standard input, on any number of machines. See
// README.md.
//
// Usage:
//
//	fleet worker [-j jobs] [-lost duration] [-drain duration]
//	fleet run [-k] [-timeout duration] [-grace duration] [-C dir] [--] command [argument ...]
//	fleet run [-k] -resume run
//	fleet status
//	fleet cancel run
//
// All commands have the flags -nats, -creds, -replicas and -dir, which locate the fleet.
//
// # Exit status
//
//	0    all commands succeeded
//	1    a command failed, or fleet itself failed
//	2    the command line is invalid
//	130  the run was cancelled, or continues after a hangup of the client
package main

import (
	"context"
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

const usage = `usage: fleet worker [-j jobs] [-lost duration] [-drain duration]
       fleet run [-k] [-timeout duration] [-grace duration] [-C dir] [--] command [argument ...]
       fleet run [-k] -resume run
       fleet status
       fleet cancel run
`

// An invocation is the command line and the environment of a call of fleet.
type invocation struct {
	place
	*flag.FlagSet
	interrupts     <-chan os.Signal
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run is main without its dependencies on the process. It returns the exit status.
func run(interrupts <-chan os.Signal, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	commands := map[string]func(*invocation, []string) int{
		"worker": (*invocation).worker,
		"run":    (*invocation).run,
		"status": (*invocation).status,
		"cancel": (*invocation).cancel,
	}
	if len(args) > 0 && commands[args[0]] != nil {
		i := &invocation{interrupts: interrupts, stdin: stdin, stdout: stdout, stderr: stderr}
		i.FlagSet = flag.NewFlagSet("fleet "+args[0], flag.ContinueOnError)
		i.SetOutput(stderr)
		i.place.flags(i.FlagSet)
		return commands[args[0]](i, args[1:])
	}
	fmt.Fprint(stderr, usage)
	if len(args) == 1 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help") {
		return 0
	}
	return exitUsage
}

func (i *invocation) say(format string, args ...any) {
	fmt.Fprintf(i.stderr, "fleet: "+format+"\n", args...)
}

// with parses the flags, checks them with valid, and calls f with the store of the fleet.
func (i *invocation) with(args []string, valid func() bool, f func(ctx context.Context, s *store) int) int {
	switch err := i.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case !valid():
		fmt.Fprint(i.stderr, usage)
		return exitUsage
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	s, leave, err := i.open(ctx, i.say)
	if err != nil {
		i.say("%v", err)
		return exitFailed
	}
	defer leave()
	return f(ctx, s)
}

// failed reports an error and returns the exit status.
func (i *invocation) failed(err error) int {
	if err == nil {
		return 0
	}
	i.say("%v", err)
	return exitFailed
}

func (i *invocation) worker(args []string) int {
	jobs := i.Int("j", runtime.NumCPU(), "run at most this many `jobs` at once")
	lost := i.Duration("lost", 15*time.Second, "run a job elsewhere if its worker is silent for this long; the first worker of a fleet sets it")
	drain := i.Duration("drain", 0, "how long commands may continue after an interrupt before they are run elsewhere (default no limit)")
	valid := func() bool { return i.NArg() == 0 && *jobs > 0 && *lost >= 100*time.Millisecond }
	return i.with(args, valid, func(_ context.Context, s *store) int {
		return i.failed(newWorker(s, *jobs, *lost).run(i.interrupts, *drain))
	})
}

func (i *invocation) run(args []string) int {
	r := &record{Jobs: -1, Started: time.Now()}
	c := &client{record: r, stdin: i.stdin, stdout: i.stdout, stderr: i.stderr}
	i.BoolVar(&c.keepOrder, "k", false, "keep the order of the input in the output")
	i.DurationVar(&r.Timeout, "timeout", 0, "end a command that takes longer (default no limit)")
	i.DurationVar(&r.Grace, "grace", 10*time.Second, "how long a command may take to end after SIGTERM before it is killed")
	dir := i.String("C", "", "the `directory` to run the commands in (default this one, or with -nats that of each worker)")
	resume := i.String("resume", "", "resume a `run`, with its command and its limits")
	valid := func() bool { return (*resume == "") == (i.NArg() > 0) }
	return i.with(args, valid, func(ctx context.Context, s *store) int {
		c.store = s
		var err error
		if *resume != "" {
			err = c.resume(ctx, *resume)
		} else {
			r.Command = i.Args()
			if *dir == "" && i.local() {
				*dir, err = os.Getwd()
			}
			r.Dir = []byte(*dir)
			if err == nil {
				err = c.create(ctx)
			}
		}
		if err != nil {
			return i.failed(err)
		}
		i.say("run %s", c.run)
		return c.follow(i.interrupts)
	})
}

func (i *invocation) status(args []string) int {
	return i.with(args, func() bool { return i.NArg() == 0 }, func(ctx context.Context, s *store) int {
		return i.failed(s.printStatus(ctx, i.stdout))
	})
}

func (i *invocation) cancel(args []string) int {
	return i.with(args, func() bool { return i.NArg() == 1 }, func(ctx context.Context, s *store) int {
		r, err := s.record(ctx, i.Arg(0))
		if err == nil {
			err = s.cancel(ctx, i.Arg(0), r.Grace)
		}
		return i.failed(err)
	})
}
