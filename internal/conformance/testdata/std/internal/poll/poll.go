// Package poll stands in for the internal package of Go with this path, which other modules can't
// import.
package poll

import _ "unsafe" // for go:linkname

// IsPollDescriptor reports whether fd is one of the runtime's network poller.
//
//go:linkname IsPollDescriptor internal/poll.IsPollDescriptor
func IsPollDescriptor(fd uintptr) bool
