//go:build unix

package interrupts

import (
	"os"
	"os/signal"
	"syscall"
)

var defaultSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// catchSIGPIPE prevents SIGPIPE from ending the program. It does not ignore SIGPIPE, because
// commands would inherit that.
func catchSIGPIPE() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
