// Package edit changes source texts at places, and leaves the rest as it is.
package edit

import (
	"bytes"
	"cmp"
	"go/format"
	"slices"
)

// An Edit replaces what is from Start to End.
type Edit struct {
	Start, End int
	Text       string
}

// Apply makes the edits, but for those that overlap with another before them. Of those at the same
// place, the first comes first. The result is formatted if src is.
func Apply(src []byte, edits []Edit) []byte {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	var out []byte
	at := 0
	for _, e := range sorted {
		if e.Start < at {
			continue
		}
		out = append(out, src[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	out = append(out, src[at:]...)
	if Formatted(src) {
		if formatted, err := format.Source(out); err == nil {
			return formatted
		}
	}
	return out
}

// Formatted reports whether gofmt would leave src as it is.
func Formatted(src []byte) bool {
	formatted, err := format.Source(src)
	return err == nil && bytes.Equal(formatted, src)
}
