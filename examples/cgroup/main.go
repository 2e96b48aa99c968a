// Cgroup runs a command in a control group of its own, and ends all that it has started, even what
// has left its process group and its session.
//
// Usage:
//
//	cgroup [-memory bytes] [-pids n] [-timeout duration] [-parent directory] [--] command [argument ...]
//
// The flags are:
//
//	-memory bytes
//		How much memory the command and its descendants may use, as in memory.max.
//	-pids n
//		How many processes and threads they may be, as in pids.max.
//	-timeout duration
//		After which all of them are killed.
//	-parent directory
//		The control group, under /sys/fs/cgroup, to make the new one in (default the one
//		that the program itself is in).
//
// Interrupt and SIGTERM kill all of them, too. The exit status is that of the command, 128 and the
// number of the signal that has ended it, or 125 if there is none.
//
// It needs Linux 5.14, cgroup v2, and the right to write in the parent.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

// exitFailed is the exit status if the command is not the one to set it.
const exitFailed = 125

type options struct {
	memory, pids, parent string
	timeout              time.Duration
	command              []string
}

func main() {
	var o options
	flag.StringVar(&o.memory, "memory", "", "memory.max: `bytes`, or with a suffix K, M or G")
	flag.StringVar(&o.pids, "pids", "", "pids.max: `n` processes and threads")
	flag.StringVar(&o.parent, "parent", "", "control group `directory` to make the new one in")
	flag.DurationVar(&o.timeout, "timeout", 0, "kill everything after this `duration`")
	flag.Parse()
	if o.command = flag.Args(); len(o.command) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	status, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cgroup:", err)
	}
	os.Exit(status)
}
