//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// interrupts returns a channel of the signals that stop this program.
func interrupts() <-chan os.Signal {
	// A broken pipe is to be an error, and not our end: there are commands to
	// look after.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	c := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // by nohup, or the shell of a background job
			signal.Notify(c, sig)
		}
	}
	return c
}
