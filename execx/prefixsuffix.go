package execx

import (
	"fmt"
	"slices"
)

// prefixSuffixSaver is an io.Writer that keeps the first and the last limit bytes written
// to it.
type prefixSuffixSaver struct {
	limit   int
	first   []byte
	last    []byte // the newest limit bytes are at its end; at most twice that is kept
	omitted int    // how many bytes were dropped from last
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

// trim cuts last to the limit.
func (e *prefixSuffixSaver) trim() {
	if excess := len(e.last) - e.limit; excess > 0 {
		e.omitted += excess
		e.last = slices.Delete(e.last, 0, excess)
	}
}

// Bytes returns what was kept, with a note of what was not, in the form of os/exec.
func (e *prefixSuffixSaver) Bytes() []byte {
	e.trim()
	if e.omitted == 0 {
		return slices.Concat(e.first, e.last)
	}
	note := fmt.Appendf(nil, "\n... omitting %d bytes ...\n", e.omitted)
	return slices.Concat(e.first, note, e.last)
}
