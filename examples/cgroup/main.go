// Cgroup runs a command in its own control group. In the end, Cgroup kills all processes that the
// command has started, even those that have left its process group and session.
//
// Usage:
//
//	cgroup [-memory bytes] [-pids n] [-timeout duration] [-parent directory] [--] command [argument ...]
//
// The flags are:
//
//	-memory bytes
//		Limit the memory of the command and its descendants, in the format of memory.max:
//		1073741824 and 1G are the same.
//	-pids n
//		Limit the number of their processes and threads, in the format of pids.max.
//	-timeout duration
//		Kill all of them after this time.
//	-parent directory
//		Create the new control group in this one, a directory under /sys/fs/cgroup (default:
//		the control group of this program).
//
// Cgroup also kills all of them on an interrupt (Ctrl-C) and on SIGTERM.
//
// It needs Linux 5.14, cgroup v2, and permission to write to the parent.
//
// # Exit status
//
//	n      the command exited with status n
//	128+n  the command was terminated by signal n
//	2      the command line is invalid
//	125    the command was not started
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

const (
	exitUsage  = 2
	exitFailed = 125
)

type options struct {
	memory, pids, parent string
	timeout              time.Duration
	command              []string
}

func main() {
	var o options
	flag.StringVar(&o.memory, "memory", "", "limit the memory to this number of `bytes`, as in 512M")
	flag.StringVar(&o.pids, "pids", "", "allow `n` processes and threads")
	flag.StringVar(&o.parent, "parent", "", "create the control group in the one of this `directory`")
	flag.DurationVar(&o.timeout, "timeout", 0, "kill everything after this time")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: cgroup [flags] [--] command [argument ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if o.command = flag.Args(); len(o.command) == 0 {
		flag.Usage()
		os.Exit(exitUsage)
	}
	status, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cgroup:", err)
	}
	os.Exit(status)
}
