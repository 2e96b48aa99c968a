package execx

import (
	"fmt"
	"slices"
)

// A prefixSuffixSaver is an io.Writer that keeps the first and the last limit bytes written to it.
type prefixSuffixSaver struct {
	limit   int
	first   []byte
	last    []byte // ends with the newest limit bytes; has at most twice as many
	omitted int    // number of bytes dropped from last
}

func (e *prefixSuffixSaver) Write(b []byte) (int, error) {
	n := len(b)
	room := min(e.limit-len(e.first), len(b))
	e.first = append(e.first, b[:room]...)
	b = b[room:]

	if excess := len(b) - e.limit; excess > 0 {
		e.omitted += excess
		b = b[excess:]
	}
	e.last = append(e.last, b...)
	if len(e.last) > 2*e.limit {
		e.trim()
	}
	return n, nil
}

// trim reduces last to limit bytes.
func (e *prefixSuffixSaver) trim() {
	if excess := len(e.last) - e.limit; excess > 0 {
		e.omitted += excess
		e.last = slices.Delete(e.last, 0, excess)
	}
}

// Bytes returns the bytes kept and, between them, a note of how many were omitted, as os/exec does.
func (e *prefixSuffixSaver) Bytes() []byte {
	e.trim()
	if e.omitted == 0 {
		return slices.Concat(e.first, e.last)
	}
	note := fmt.Appendf(nil, "\n... omitting %d bytes ...\n", e.omitted)
	return slices.Concat(e.first, note, e.last)
}
