//go:build unix

// Package fdtest stands in for the internal package of Go with this path, which other modules can't
// import.
package fdtest

import "syscall"

// Exists reports whether fd is an open file descriptor.
func Exists(fd uintptr) bool {
	var stat syscall.Stat_t
	return syscall.Fstat(int(fd), &stat) != syscall.EBADF
}
