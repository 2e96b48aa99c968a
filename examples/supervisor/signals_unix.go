//go:build unix

package main

import (
	"os"
	"syscall"

	"go.execx.dev/examples/internal/interrupts"
)

func notify() signals {
	return signals{
		interrupts: interrupts.Notify(os.Interrupt, syscall.SIGTERM),
		reloads:    interrupts.Notify(syscall.SIGHUP),
		reopens:    interrupts.Notify(syscall.SIGUSR1),
	}
}
