// Package poll stands in for the package of this path in Go's own sources,
// which no other module can import.
package poll

import _ "unsafe" // for go:linkname

// IsPollDescriptor reports whether fd is one of the runtime's network poller.
//
//go:linkname IsPollDescriptor internal/poll.IsPollDescriptor
func IsPollDescriptor(fd uintptr) bool
