// Package interrupts notifies a program of termination signals, so that it can end its commands
// before it exits.
package interrupts

import (
	"os"
	"os/signal"
)

// Notify returns a channel of the given signals. If none are given, it uses the termination
// signals: [os.Interrupt], SIGTERM and, on Unix, SIGHUP. A signal that was ignored when the program
// started, because of nohup or because a shell runs it in the background, remains ignored.
//
// On Unix, after Notify has been called, writing to a broken pipe returns an error even on standard
// output and standard error. It does not end the program, which must still look after its commands.
func Notify(signals ...os.Signal) <-chan os.Signal {
	catchSIGPIPE()
	if len(signals) == 0 {
		signals = defaultSignals
	}
	c := make(chan os.Signal, 1)
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
	return c
}
