package imports

import (
	"bytes"
	"strings"
)

// A mark is a comment at the import of execx that says what that of os/exec was like, where the
// import of execx does not tell. It is a list of
//
//	named        os/exec was imported by the name exec
//	block        it was in parentheses, alone
//	inplace      it was where execx is now
//	unformatted  the file was not formatted
const marker = "execxfix:"

// findMark finds what [block.note] has made.
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

// note returns the comment that has a mark. What comes after it on the line is given. One that says
// unformatted has gofmt see that.
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
