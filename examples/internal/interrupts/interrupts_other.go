//go:build !unix

package interrupts

import (
	"os"
	"syscall"
)

var defaultSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

func catchSIGPIPE() {}
