//go:build !unix

package interrupts

import (
	"os"
	"syscall"
)

var ending = []os.Signal{os.Interrupt, syscall.SIGTERM}

func keepBrokenPipes() {}
