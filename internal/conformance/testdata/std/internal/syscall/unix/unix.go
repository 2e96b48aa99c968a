// Package unix stands in for the package of this path in Go's own sources,
// which no other module can import.
package unix

import (
	"fmt"
	"os"
)

// KernelVersionGE reports whether the kernel is of this version or later.
func KernelVersionGE(major, minor int) bool {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return false
	}
	var x, y int
	fmt.Sscanf(string(release), "%d.%d", &x, &y)
	return x > major || x == major && y >= minor
}
