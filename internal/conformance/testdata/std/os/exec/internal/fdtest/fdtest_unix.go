//go:build unix

// Package fdtest stands in for the package of this path in Go's own sources,
// which no other module can import.
package fdtest

import "syscall"

// Exists reports whether fd is an open descriptor.
func Exists(fd uintptr) bool {
	var stat syscall.Stat_t
	return syscall.Fstat(int(fd), &stat) != syscall.EBADF
}
