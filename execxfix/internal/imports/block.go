package imports

import (
	"bytes"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"go.execx.dev/execxfix/internal/edit"
)

// A block is the import declaration that a spec is in.
type block struct {
	src     []byte
	newline string
	tok     *token.File
	file    *ast.File
	decl    *ast.GenDecl
	spec    *ast.ImportSpec
	group   []*ast.ImportSpec   // that has spec
	groups  [][]*ast.ImportSpec // of decl

	mark string // what Swap has noted at spec for the way back
	end  int    // of spec, its mark included
}

// newBlock returns the block of the only import of path in src, or nil. One that is spelled with
// escapes is none.
func newBlock(src []byte, path string) *block {
	fset, f := parse(src)
	if f == nil {
		return nil
	}
	specs := Find(f, path)
	if len(specs) != 1 {
		return nil
	}
	b := &block{src: src, newline: newlineOf(src), tok: fset.File(f.FileStart), file: f, spec: specs[0]}
	if !bytes.HasPrefix(src[b.offset(b.spec.Path.Pos())+1:], []byte(path)) {
		return nil
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
	return b
}

func newlineOf(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

func (b *block) line(pos token.Pos) int   { return b.tok.PositionFor(pos, false).Line }
func (b *block) offset(pos token.Pos) int { return b.tok.Offset(pos) }

// lines reports whether each spec of the block has lines of its own.
func (b *block) lines() bool {
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

// mixed reports whether the group has specs of the standard library and others.
func (b *block) mixed() bool {
	return slices.ContainsFunc(b.group, func(s *ast.ImportSpec) bool { return !isStd(Path(s)) })
}

// foreignGroup returns the group for imports of other modules, or nil.
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

// spelled returns the spec with this name, if it is not empty, and this path.
func (b *block) spelled(name, path string) string {
	path = b.spec.Path.Value[:1] + path + b.spec.Path.Value[:1]
	switch {
	case name == "":
		return path
	case b.spec.Name == nil:
		return name + " " + path
	}
	return name + string(b.src[b.offset(b.spec.Name.End()):b.offset(b.spec.Path.Pos())]) + path
}

// replace puts text in place of the name and the path of s, and of its mark.
func (b *block) replace(s *ast.ImportSpec, text string) edit.Edit {
	start, end := b.offset(s.Pos()), b.offset(s.Path.End())
	if s == b.spec {
		end = b.end
	}
	return edit.Edit{Start: start, End: end, Text: text}
}

// comment returns the comment at the end of the line of s.
func (b *block) comment(s *ast.ImportSpec) string {
	if s.Comment == nil {
		return ""
	}
	return " " + string(b.src[b.offset(s.Comment.Pos()):b.offset(s.Comment.End())])
}

func (b *block) dropComment() edit.Edit {
	at := b.offset(b.spec.End())
	if b.spec.Comment == nil {
		return edit.Edit{Start: at, End: at}
	}
	return edit.Edit{Start: at, End: b.offset(b.spec.Comment.End())}
}

// lineStartOf and lineEndOf return where the line of pos begins and ends. A comment of several
// lines is part of it.
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

// commentAt returns the comment that what is at an offset is in, or nil.
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

// commentEnd returns where c ends. Its text does not tell, as it is without carriage returns.
func (b *block) commentEnd(c *ast.Comment) int {
	end := b.offset(c.End())
	if c.Text[1] == '*' {
		end = b.offset(c.Pos()) + 2
		end += bytes.Index(b.src[end:], []byte("*/")) + 2
	}
	return end
}

// lineStart and lineEnd return where the lines of s begin and end, its comments included.
func (b *block) lineStart(s *ast.ImportSpec) int {
	if s.Doc != nil {
		return b.lineStartOf(s.Doc.Pos())
	}
	return b.lineStartOf(s.Pos())
}

func (b *block) lineEnd(s *ast.ImportSpec) int { return b.lineEndOf(s.End()) }

// remove removes the lines of the spec, and an empty line that is then one too many.
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

// text returns the lines of the spec with this in place of its name, path and mark.
func (b *block) text(line string) string {
	return string(b.src[b.lineStart(b.spec):b.offset(b.spec.Pos())]) + line + string(b.src[b.end:b.lineEnd(b.spec)])
}

// insert inserts lines into a group, at the place that path has in the order.
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

// move moves the spec into a group, as this line. It has the path from now.
func (b *block) move(line string, g []*ast.ImportSpec, from string) []edit.Edit {
	to := Execx
	if from == Execx {
		to = OS
	}
	return []edit.Edit{b.insert(g, b.text(line), to), b.remove()}
}

// moveToNew moves the spec into a group of its own, after its group or before all.
func (b *block) moveToNew(line string, after bool) []edit.Edit {
	if after {
		at := b.lineEnd(b.group[len(b.group)-1])
		return []edit.Edit{b.remove(), {Start: at, End: at, Text: b.newline + b.text(line)}}
	}
	at := b.lineStart(b.groups[0][0])
	return []edit.Edit{{Start: at, End: at, Text: b.text(line) + b.newline}, b.remove()}
}
