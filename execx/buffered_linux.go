package execx

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// buffered returns the number of bytes in the pipe.
func buffered(r *os.File) int {
	n := math.MaxInt
	control(r, func(fd int) {
		if size, err := unix.IoctlGetInt(fd, unix.TIOCINQ); err == nil {
			n = size
		}
	})
	return n
}
