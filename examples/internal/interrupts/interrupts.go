// Package interrupts tells a program of the signals that ask it to end, so that it can end its
// commands first.
package interrupts

import (
	"os"
	"os/signal"
)

// Notify returns a channel of signals. If none are given, they are those that ask a program to end:
// [os.Interrupt], SIGTERM and, on Unix, SIGHUP. Signals that the program has been started to
// ignore, by nohup or by the shell as a job in the background, remain ignored.
//
// From then on a broken pipe is an error on Unix, and not the end of the program: there are
// commands to look after.
func Notify(signals ...os.Signal) <-chan os.Signal {
	keepBrokenPipes()
	if len(signals) == 0 {
		signals = ending
	}
	c := make(chan os.Signal, 1)
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
	return c
}
