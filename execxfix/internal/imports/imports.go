// Package imports replaces the import of os/exec by that of execx, and back.
package imports

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"go.execx.dev/execxfix/internal/edit"
)

// The import paths of the two packages.
const (
	OS    = "os/exec"
	Execx = "go.execx.dev/execx"
)

// Path returns what spec imports.
func Path(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}

// Name returns the name that spec gives to its package, which is called base.
func Name(spec *ast.ImportSpec, base string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return base
}

// Find returns the specs of f that import path, but for those named _.
func Find(f *ast.File, path string) []*ast.ImportSpec {
	var specs []*ast.ImportSpec
	for _, spec := range f.Imports {
		if Path(spec) == path && Name(spec, "") != "_" {
			specs = append(specs, spec)
		}
	}
	return specs
}

// Swap returns the edits to import execx under the name that f has for os/exec. If osName
// is not empty, os/exec is imported too, by that name. Where [Restore] could not
// tell the way back, a comment at the import does.
func Swap(src []byte, osName string) []edit.Edit {
	var edits []edit.Edit
	for _, mark := range []string{"", "named", "block", "block,named", "inplace", "inplace,named", "inplace,block", "inplace,block,named"} {
		edits = swap(src, osName, mark)
		swapped := edit.Apply(src, edits)
		if back, ok := restored(swapped); ok && bytes.Equal(back, src) {
			return edits
		}
	}
	return swap(src, osName, "")
}

func restored(src []byte) ([]byte, bool) {
	edits, ok := Restore(src)
	return edit.Apply(src, edits), ok
}

const marker = "//execxfix:"

func swap(src []byte, osName, mark string) []edit.Edit {
	b := newBlock(src, OS)
	if b == nil {
		return nil
	}
	quote := b.spec.Path.Value[:1]
	name := Name(b.spec, "exec")
	line := name + " " + quote + Execx + quote
	if mark != "" {
		line += " " + marker + mark
	}
	if osName == "" {
		if b.lines() && !strings.Contains(mark, "inplace") {
			if g := b.foreignGroup(); g != nil {
				return b.move(line, g, OS)
			}
			if len(b.group) > 1 {
				return b.moveToNew(line, true)
			}
		}
		return []edit.Edit{b.replace(line)}
	}
	osLine := osName + " " + quote + OS + quote
	switch {
	case !b.decl.Lparen.IsValid():
		nl := b.newline
		return []edit.Edit{
			{Start: b.offset(b.spec.Pos()), End: b.offset(b.spec.End()), Text: "(" + nl + "\t" + osLine + b.comment() + nl + nl + "\t" + line + nl + ")"},
			b.dropComment(),
		}
	case !b.lines():
		return []edit.Edit{b.replace(osLine + "; " + line)}
	}
	edits := []edit.Edit{b.replace(osLine)}
	if g := b.foreignGroup(); g != nil && !strings.Contains(mark, "inplace") {
		return append(edits, b.insert(g, line+b.newline, Execx))
	}
	if b.mixed() || strings.Contains(mark, "inplace") {
		end := b.lineEnd(b.spec)
		return append(edits, edit.Edit{Start: end, End: end, Text: "\t" + line + b.newline})
	}
	end := b.lineEnd(b.group[len(b.group)-1])
	return append(edits, edit.Edit{Start: end, End: end, Text: b.newline + "\t" + line + b.newline})
}

// Add returns the edits to import os/exec by this name in a file that does not import it.
func Add(src []byte, name string) []edit.Edit {
	line := name + " " + strconv.Quote(OS)
	fset, f := parse(src)
	if f == nil {
		return nil
	}
	tok := fset.File(f.FileStart)
	for _, d := range f.Decls {
		d, ok := d.(*ast.GenDecl)
		if !ok || d.Tok != token.IMPORT || !d.Lparen.IsValid() || len(d.Specs) == 0 {
			continue
		}
		b := newBlock(src, Path(d.Specs[0].(*ast.ImportSpec)))
		if b == nil || !b.lines() {
			continue
		}
		for _, g := range b.groups {
			if isStd(Path(g[0])) {
				return []edit.Edit{b.insert(g, line+b.newline, OS)}
			}
		}
		at := b.lineStart(b.groups[0][0])
		return []edit.Edit{{Start: at, End: at, Text: "\t" + line + b.newline + b.newline}}
	}
	at := tok.Offset(f.Name.End())
	return []edit.Edit{{Start: at, End: at, Text: "\n\nimport " + line}}
}

// Remove returns the edits that undo those of [Add].
func Remove(src []byte) []edit.Edit {
	b := newBlock(src, OS)
	if b == nil {
		return nil
	}
	if b.lines() {
		return []edit.Edit{b.remove()}
	}
	if len(b.decl.Specs) > 1 {
		return nil
	}
	start := b.lineStartOf(b.decl.Pos())
	for range 2 {
		start -= len(b.newline)
	}
	return []edit.Edit{{Start: start, End: b.offset(b.decl.End())}}
}

// Restore returns the edits to import os/exec instead of execx, which it reports to be
// imported by src, once.
func Restore(src []byte) ([]edit.Edit, bool) {
	b := newBlock(src, Execx)
	if b == nil {
		return nil, false
	}
	mark, comment := b.mark()
	quote := b.spec.Path.Value[:1]
	line := quote + OS + quote
	if name := Name(b.spec, "execx"); name != "exec" || strings.Contains(mark, "named") {
		line = name + " " + line
	}
	var unmark []edit.Edit
	if mark != "" {
		unmark = []edit.Edit{comment}
	}
	if other := Find(b.file, OS); len(other) == 1 {
		return b.merge(other[0], line, mark), true
	}
	if !b.lines() || strings.Contains(mark, "inplace") {
		return append(unmark, b.replace(line)), true
	}
	if slices.ContainsFunc(b.group, func(s *ast.ImportSpec) bool { return isStd(Path(s)) }) {
		return append(unmark, b.replace(line)), true
	}
	for _, g := range b.groups {
		if isStd(Path(g[0])) {
			return b.move(line, g, Execx), true
		}
	}
	if len(b.group) > 1 {
		return b.moveToNew(line, false), true
	}
	return append(unmark, b.replace(line)), true
}

// merge makes one import of two.
func (b *block) merge(other *ast.ImportSpec, line, mark string) []edit.Edit {
	toOS := edit.Edit{Start: b.offset(other.Pos()), End: b.offset(other.Path.End()), Text: line}
	specs := b.decl.Specs
	if !b.decl.Lparen.IsValid() {
		// The other import is elsewhere.
		return []edit.Edit{toOS, {Start: b.lineStartOf(b.decl.Pos()), End: b.lineEndOf(b.decl.End())}}
	}
	if len(specs) == 2 && slices.Contains(specs, ast.Spec(other)) && b.lines() && !strings.Contains(mark, "block") {
		text := line
		if other.Comment != nil {
			text += " " + other.Comment.List[0].Text
		}
		return []edit.Edit{{Start: b.offset(b.decl.Lparen), End: b.offset(b.decl.Rparen) + 1, Text: text}}
	}
	if !b.lines() {
		start, end := b.offset(b.spec.Pos()), b.offset(b.spec.End())
		for end < len(b.src) && (b.src[end] == ' ' || b.src[end] == ';') {
			end++
		}
		return []edit.Edit{toOS, {Start: start, End: end}}
	}
	return []edit.Edit{toOS, b.remove()}
}

func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func parse(src []byte) (*token.FileSet, *ast.File) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ParseComments|parser.SkipObjectResolution|parser.ImportsOnly)
	if err != nil {
		return nil, nil
	}
	return fset, f
}
