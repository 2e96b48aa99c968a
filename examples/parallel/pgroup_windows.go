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

// ownGroup has c run in a process group of its own, which Ctrl-C does not reach. It is
// not killed with what it has started.
func ownGroup(c *execx.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
