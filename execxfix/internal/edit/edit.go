// Package edit applies edits to source text.
package edit

import (
	"bytes"
	"cmp"
	"go/format"
	"slices"
)

// An Edit replaces the bytes from Start to End with Text.
type Edit struct {
	Start, End int
	Text       string
}

// Apply returns src with the edits applied. It ignores an edit that overlaps an earlier one.
// Insertions at the same offset keep their order. If src is formatted, Apply formats the result.
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

// Formatted reports whether src is formatted as by gofmt.
func Formatted(src []byte) bool {
	formatted, err := format.Source(src)
	return err == nil && bytes.Equal(formatted, src)
}
