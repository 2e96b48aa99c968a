// Cgroup runs a command in a control group of its own, and in the end kills everything that the
// command has started, even what has left its process group and its session.
//
// Usage:
//
//	cgroup [-memory bytes] [-pids n] [-timeout duration] [-parent directory] [--] command [argument ...]
//
// The flags are:
//
//	-memory bytes
//		How much memory the command and its descendants may use, as for memory.max: 1073741824
//		and 1G are the same.
//	-pids n
//		How many processes and threads they may have, as for pids.max.
//	-timeout duration
//		Kill all of them after this time.
//	-parent directory
//		The control group, under /sys/fs/cgroup, in which the new one is made (default the one
//		that this program is in).
//
// An interrupt (Ctrl-C) and SIGTERM kill all of them, too.
//
// It needs Linux 5.14, cgroup v2, and the right to write to the parent.
//
// # Exit status
//
//	n      the command has exited with n
//	128+n  the command was ended by signal n
//	2      cgroup was called in a wrong way
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
	flag.StringVar(&o.parent, "parent", "", "make the control group in that of this `directory`")
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
