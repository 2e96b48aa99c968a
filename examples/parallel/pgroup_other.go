//go:build !unix && !windows

package main

import (
	"os"
	"os/signal"
	"syscall"

	"go.execx.dev/execx"
)

// interrupts returns a channel of the signals that stop this program.
func interrupts() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c
}

// ownGroup does nothing: there are no process groups here.
func ownGroup(*execx.Cmd) {}
