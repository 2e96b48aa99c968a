//go:build !unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// interrupts returns a channel of the signals that stop this program.
func interrupts() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c
}
