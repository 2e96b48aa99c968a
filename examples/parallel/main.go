// Parallel runs a command for each line of its input, several at a time:
//
//	find . -name '*.go' -print0 | parallel -0 -j 32 -- sha256sum {}
//	parallel gzip ::: *.txt
//
// See README.md, or parallel --help for a summary.
package main

import (
	"fmt"
	"io"
	"os"

	"go.execx.dev/examples/internal/interrupts"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	reserveThreads()
	os.Exit(run(interrupts.Notify(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without global state. It returns the exit status.
func run(interrupts <-chan os.Signal, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, code, exit := parse(args, stdout, stderr)
	if exit {
		return code
	}
	o.maxHeld, o.maxAhead = 64<<20, 16<<20
	var log *joblog
	if o.joblog != "" {
		f, err := os.Create(o.joblog)
		if err == nil {
			defer f.Close()
			log, err = newJoblog(f)
		}
		if err != nil {
			fmt.Fprintf(stderr, "parallel: --joblog: %s\n", escape(err.Error()))
			return exitFailed
		}
	}
	return newScheduler(o, stdin, stdout, stderr, log).run(interrupts)
}
