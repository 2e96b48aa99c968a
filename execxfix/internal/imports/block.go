package imports

import (
	"bytes"
	"errors"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"go.execx.dev/execxfix/internal/edit"
)

// A block is an import declaration that contains a given spec.
type block struct {
	src     []byte
	newline string
	tok     *token.File
	file    *ast.File
	decl    *ast.GenDecl
	spec    *ast.ImportSpec
	group   []*ast.ImportSpec   // the group that contains spec
	groups  [][]*ast.ImportSpec // all groups of decl

	mark string // the mark of spec
	end  int    // the end of spec, including its mark
}

var (
	errSyntax       = errors.New("the imports have syntax errors")
	errNotOne       = errors.New("the package is not imported exactly once")
	errEscaped      = errors.New("the import path contains escape sequences or carriage returns")
	errIrreversible = errors.New("-undo could not restore the imports")
)

// newBlock returns the block that contains the import of path, which src must import exactly once.
func newBlock(src []byte, path string) (*block, error) {
	fset, f := parse(src)
	if f == nil {
		return nil, errSyntax
	}
	specs := Find(f, path)
	if len(specs) != 1 {
		return nil, errNotOne
	}
	b := &block{src: src, newline: newlineOf(src), tok: fset.File(f.FileStart), file: f, spec: specs[0]}
	if !bytes.HasPrefix(src[b.offset(b.spec.Path.Pos())+1:], []byte(path)) {
		return nil, errEscaped
	}
	for _, d := range f.Decls {
		if d, ok := d.(*ast.GenDecl); ok && slices.Contains(d.Specs, ast.Spec(b.spec)) {
			b.decl = d
		}
	}
	last := -1
	for _, s := range b.decl.Specs {
		s := s.(*ast.ImportSpec)
		start := b.line(s.Pos())
		if s.Doc != nil {
			start = b.line(s.Doc.Pos())
		}
		if start > last+1 || last < 0 {
			b.groups = append(b.groups, nil)
		}
		g := &b.groups[len(b.groups)-1]
		*g = append(*g, s)
		last = b.line(s.End())
	}
	for _, g := range b.groups {
		if slices.Contains(g, b.spec) {
			b.group = g
		}
	}
	b.findMark()
	return b, nil
}

// newlineOf returns the line ending of src.
func newlineOf(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

func (b *block) line(pos token.Pos) int   { return b.tok.PositionFor(pos, false).Line }
func (b *block) offset(pos token.Pos) int { return b.tok.Offset(pos) }

// specPerLine reports whether each spec of the block is on its own lines.
func (b *block) specPerLine() bool {
	if !b.decl.Lparen.IsValid() {
		return false
	}
	end := b.lineEndOf(b.decl.Lparen)
	for _, s := range b.decl.Specs {
		s := s.(*ast.ImportSpec)
		if b.lineStart(s) < end {
			return false
		}
		end = b.lineEnd(s)
	}
	return b.lineStartOf(b.decl.Rparen) >= end
}

// mixed reports whether the group has imports from outside the standard library.
func (b *block) mixed() bool {
	return slices.ContainsFunc(b.group, func(s *ast.ImportSpec) bool { return !isStd(Path(s)) })
}

// foreignGroup returns the group for imports from outside the standard library, or nil.
func (b *block) foreignGroup() []*ast.ImportSpec {
	if b.mixed() {
		return b.group
	}
	for _, g := range b.groups {
		if !isStd(Path(g[0])) {
			return g
		}
	}
	return nil
}

// specText returns a spec with the given name, unless it is empty, and path. Its quotes and space
// are those of b.spec.
func (b *block) specText(name, path string) string {
	path = b.spec.Path.Value[:1] + path + b.spec.Path.Value[:1]
	switch {
	case name == "":
		return path
	case b.spec.Name == nil:
		return name + " " + path
	}
	return name + string(b.src[b.offset(b.spec.Name.End()):b.offset(b.spec.Path.Pos())]) + path
}

// replace replaces the name and the path of s, and its mark, with text.
func (b *block) replace(s *ast.ImportSpec, text string) edit.Edit {
	start, end := b.offset(s.Pos()), b.offset(s.Path.End())
	if s == b.spec {
		end = b.end
	}
	return edit.Edit{Start: start, End: end, Text: text}
}

// comment returns the comment at the end of the line of s, with a space before it.
func (b *block) comment(s *ast.ImportSpec) string {
	if s.Comment == nil {
		return ""
	}
	return " " + string(b.src[b.offset(s.Comment.Pos()):b.offset(s.Comment.End())])
}

// dropComment removes the comment at the end of the line of b.spec.
func (b *block) dropComment() edit.Edit {
	at := b.offset(b.spec.End())
	if b.spec.Comment == nil {
		return edit.Edit{Start: at, End: at}
	}
	return edit.Edit{Start: at, End: b.offset(b.spec.Comment.End())}
}

// lineStartOf and lineEndOf return the offsets at which the line of pos begins and ends. A comment
// that begins or ends on the line belongs to it with all its lines.
func (b *block) lineStartOf(pos token.Pos) int {
	at := b.offset(pos)
	for {
		at = bytes.LastIndexByte(b.src[:at], '\n') + 1
		c := b.commentAt(at - 1)
		if c == nil {
			return at
		}
		at = b.offset(c.Pos())
	}
}

func (b *block) lineEndOf(pos token.Pos) int {
	at := b.offset(pos)
	for {
		i := bytes.IndexByte(b.src[at:], '\n')
		if i < 0 {
			return len(b.src)
		}
		c := b.commentAt(at + i)
		if c == nil {
			return at + i + 1
		}
		at = b.commentEnd(c)
	}
}

// commentAt returns the comment that contains the offset, or nil.
func (b *block) commentAt(offset int) *ast.Comment {
	for _, g := range b.file.Comments {
		for _, c := range g.List {
			if b.offset(c.Pos()) <= offset && offset < b.commentEnd(c) {
				return c
			}
		}
	}
	return nil
}

// commentEnd returns the offset at which c ends. It is not c.End if the comment contains carriage
// returns, because the parser removes them from the text.
func (b *block) commentEnd(c *ast.Comment) int {
	end := b.offset(c.End())
	if c.Text[1] == '*' {
		end = b.offset(c.Pos()) + 2
		end += bytes.Index(b.src[end:], []byte("*/")) + 2
	}
	return end
}

// lineStart and lineEnd return the offsets at which the lines of s and its comments begin and end.
func (b *block) lineStart(s *ast.ImportSpec) int {
	if s.Doc != nil {
		return b.lineStartOf(s.Doc.Pos())
	}
	return b.lineStartOf(s.Pos())
}

func (b *block) lineEnd(s *ast.ImportSpec) int { return b.lineEndOf(s.End()) }

// remove removes the lines of the spec. If its group becomes empty, it also removes a blank line
// next to it.
func (b *block) remove() edit.Edit {
	start, end := b.lineStart(b.spec), b.lineEnd(b.spec)
	if len(b.group) == 1 && len(b.groups) > 1 {
		if rest := b.src[end:]; bytes.HasPrefix(rest, []byte(b.newline)) {
			end += len(b.newline)
		} else if bytes.HasSuffix(b.src[:start], []byte(b.newline+b.newline)) {
			start -= len(b.newline)
		}
	}
	return edit.Edit{Start: start, End: end}
}

// text returns the lines of the spec, with its name, path and mark replaced with line.
func (b *block) text(line string) string {
	return string(b.src[b.lineStart(b.spec):b.offset(b.spec.Pos())]) + line + string(b.src[b.end:b.lineEnd(b.spec)])
}

// insert inserts lines into a group, in the order of import paths.
func (b *block) insert(g []*ast.ImportSpec, lines, path string) edit.Edit {
	if !strings.HasPrefix(lines, "\t") && !strings.HasPrefix(lines, " ") {
		lines = "\t" + lines
	}
	at := b.lineEnd(g[len(g)-1])
	for _, s := range g {
		if s != b.spec && Path(s) > path {
			at = b.lineStart(s)
			break
		}
	}
	return edit.Edit{Start: at, End: at, Text: lines}
}

// move moves the spec, which imports from, to group g and replaces it with line.
func (b *block) move(line string, g []*ast.ImportSpec, from string) []edit.Edit {
	to := Execx
	if from == Execx {
		to = OS
	}
	return []edit.Edit{b.insert(g, b.text(line), to), b.remove()}
}

// moveToNew moves the spec to a new group after its group, or before all groups.
func (b *block) moveToNew(line string, after bool) []edit.Edit {
	if after {
		at := b.lineEnd(b.group[len(b.group)-1])
		return []edit.Edit{b.remove(), {Start: at, End: at, Text: b.newline + b.text(line)}}
	}
	at := b.lineStart(b.groups[0][0])
	return []edit.Edit{{Start: at, End: at, Text: b.text(line) + b.newline}, b.remove()}
}
