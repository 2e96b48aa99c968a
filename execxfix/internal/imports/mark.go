package imports

import (
	"bytes"
	"strings"
)

// A mark is a comment after an import. It records what the import does not show about the original
// file, so that [Restore] and [Remove] can restore it. It is a comma-separated list of words:
//
//	named        os/exec was imported by the name exec
//	block        os/exec was the only import in its parentheses
//	inplace      os/exec was imported in the place of execx
//	unformatted  the file was not formatted
//	adjoined     a comment was on the line after the package clause, and is now on the line after
//	             the import; without the mark, gofmt would insert a blank line
const marker = "execxfix:"

// findMark finds the mark after the spec.
func (b *block) findMark() {
	b.end = b.offset(b.spec.Path.End())
	for _, g := range b.file.Comments {
		for _, c := range g.List {
			text, ok := strings.CutPrefix(c.Text[2:], marker)
			at := b.offset(c.Pos())
			if !ok || at < b.end || len(bytes.Trim(b.src[b.end:at], " \t")) > 0 {
				continue
			}
			b.mark = text[:len(text)-len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyz,"))]
			b.end = at + 2 + len(marker) + len(b.mark)
			if c.Text[1] == '*' {
				b.end += 2
			}
			return
		}
	}
}

// note returns the comment for a mark, given the source after it. The comment of an unformatted
// file follows two spaces, which gofmt would change.
func note(mark string, after []byte) string {
	space := " "
	if strings.Contains(mark, "unformatted") {
		space = "  "
	}
	line, _, _ := bytes.Cut(after, []byte("\n"))
	switch {
	case mark == "":
		return ""
	case len(bytes.TrimSpace(line)) == 0:
		return space + "//" + marker + mark
	}
	return space + "/*" + marker + mark + "*/"
}
