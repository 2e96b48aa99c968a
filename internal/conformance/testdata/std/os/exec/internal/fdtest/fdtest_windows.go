// Package fdtest stands in for the package of this path in Go's own sources,
// which no other module can import.
package fdtest

import "syscall"

// Exists reports whether fd is an open handle.
func Exists(fd uintptr) bool {
	_, err := syscall.GetFileType(syscall.Handle(fd))
	return err == nil
}
