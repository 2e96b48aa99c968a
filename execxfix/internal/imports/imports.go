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

// Swap returns the edits to import execx under the name that src has for os/exec. If osName is not
// empty, os/exec is imported too, by that name. Where [Restore] could not tell the way back, a
// comment at the import does. The result is formatted only if src is, with what else is done to it,
// too.
func Swap(src []byte, osName string, others ...edit.Edit) []edit.Edit {
	b := newBlock(src, OS)
	if b == nil {
		return nil
	}
	var marks []string
	if Name(b.spec, "") == "exec" {
		marks = append(marks, "named")
	}
	if osName != "" && b.decl.Lparen.IsValid() && len(b.decl.Specs) == 1 {
		marks = append(marks, "block")
	}
	var edits []edit.Edit
	for _, more := range [][]string{nil, {"unformatted"}, {"inplace"}, {"inplace", "unformatted"}} {
		edits = b.swap(osName, strings.Join(append(slices.Clip(marks), more...), ","))
		all := edit.Apply(src, append(slices.Clone(edits), others...))
		if bytes.Equal(restored(edit.Apply(src, edits)), src) && edit.Formatted(all) == edit.Formatted(src) {
			break
		}
	}
	return edits
}

func restored(src []byte) []byte {
	edits, _ := Restore(src)
	return edit.Apply(src, edits)
}

func (b *block) swap(osName, mark string) []edit.Edit {
	inPlace := strings.Contains(mark, "inplace")
	name := Name(b.spec, "exec")
	if name == "execx" && !inPlace {
		name = "" // has it anyway
	}
	line := b.spelled(name, Execx)
	if osName == "" {
		if b.spec.Name == nil && b.adjoins("import") {
			line = " " + strings.Replace(line, " ", "", 1)
		}
		line += note(mark, b.src[b.end:])
		if b.lines() && !inPlace {
			if g := b.foreignGroup(); g != nil {
				return b.move(line, g, OS)
			}
			if len(b.group) > 1 {
				return b.moveToNew(line, true)
			}
		}
		return []edit.Edit{b.replace(b.spec, line)}
	}
	quote := b.spec.Path.Value[:1]
	osLine := osName + " " + quote + OS + quote
	paren := b.decl.Lparen.IsValid()
	if inPlace && !paren && strings.Contains(mark, "unformatted") {
		return []edit.Edit{b.replace(b.spec, "("+osLine+"; "+line+note(mark, []byte(")"))+")")}
	}
	if paren && !b.lines() {
		return []edit.Edit{b.replace(b.spec, osLine+"; "+line+note(mark, []byte(";")))}
	}
	line += note(mark, nil) + b.newline
	if inPlace && !paren {
		end := b.lineEndOf(b.decl.End())
		return []edit.Edit{b.replace(b.spec, osLine), {Start: end, End: end, Text: "import " + line}}
	}
	line = "\t" + line
	if !paren {
		nl := b.newline
		return []edit.Edit{
			{Start: b.offset(b.spec.Pos()), End: b.offset(b.spec.End()), Text: "(" + nl + "\t" + osLine + b.comment(b.spec) + nl + nl + line + ")"},
			b.dropComment(),
		}
	}
	edits := []edit.Edit{b.replace(b.spec, osLine)}
	if g := b.foreignGroup(); g != nil && !inPlace {
		return append(edits, b.insert(g, line, Execx))
	}
	if inPlace || b.mixed() {
		end := b.lineEnd(b.spec)
		return append(edits, edit.Edit{Start: end, End: end, Text: line})
	}
	end := b.lineEnd(b.group[len(b.group)-1])
	return append(edits, edit.Edit{Start: end, End: end, Text: b.newline + line})
}

// Restore returns the edits to import os/exec instead of execx, which it reports to be imported by
// src, once.
func Restore(src []byte) ([]edit.Edit, bool) {
	b := newBlock(src, Execx)
	if b == nil {
		return nil, false
	}
	name := Name(b.spec, "execx")
	if name == "exec" && !strings.Contains(b.mark, "named") {
		name = ""
	}
	line := b.spelled(name, OS)
	if other := Find(b.file, OS); len(other) == 1 {
		return b.merge(other[0], line), true
	}
	if b.lines() && !strings.Contains(b.mark, "inplace") && !slices.ContainsFunc(b.group, isStdSpec) {
		for _, g := range b.groups {
			if isStdSpec(g[0]) {
				return b.move(line, g, Execx), true
			}
		}
		if len(b.group) > 1 {
			return b.moveToNew(line, false), true
		}
	}
	e := b.replace(b.spec, line)
	if name == "" && b.adjoins("import exec") { // which was import"os/exec"
		e.Start--
	}
	return []edit.Edit{e}, true
}

// adjoins reports whether there is nothing between the path and this text before it.
func (b *block) adjoins(text string) bool {
	return bytes.HasSuffix(b.src[:b.offset(b.spec.Path.Pos())], []byte(text))
}

// merge makes one import of two: the other is of os/exec, and becomes as given.
func (b *block) merge(other *ast.ImportSpec, text string) []edit.Edit {
	toOS := b.replace(other, text)
	if !b.decl.Lparen.IsValid() { // the other import is elsewhere
		start, end := b.lineStartOf(b.decl.Pos()), b.lineEndOf(b.decl.End())
		if start <= toOS.Start && toOS.Start < end {
			start, end = b.offset(b.decl.Pos()), b.skip(b.offset(b.decl.End()))
		}
		return []edit.Edit{toOS, {Start: start, End: end}}
	}
	lparen, rparen := b.offset(b.decl.Lparen), b.offset(b.decl.Rparen)
	start, end := b.offset(b.spec.Pos()), b.end
	specs := b.decl.Specs
	i := slices.Index(specs, ast.Spec(b.spec))
	isNext := i > 0 && specs[i-1] == ast.Spec(other)
	single := isNext && len(specs) == 2 && !strings.Contains(b.mark, "block")
	switch {
	case strings.Contains(b.mark, "inplace") && b.src[b.end-1] != '/': // has a line of its own
		return []edit.Edit{toOS, {Start: b.lineStartOf(b.spec.Pos()), End: b.lineEnd(b.spec)}}
	case b.lines() && single:
		return []edit.Edit{{Start: lparen, End: rparen + 1, Text: text + b.comment(other)}}
	case b.lines():
		return []edit.Edit{toOS, b.remove()}
	case isNext:
		start = b.offset(other.Path.End())
	default:
		end = b.skip(end)
	}
	edits := []edit.Edit{toOS, {Start: start, End: end}}
	if single {
		edits = append(edits, edit.Edit{Start: lparen, End: lparen + 1}, edit.Edit{Start: rparen, End: rparen + 1})
	}
	return edits
}

// skip returns where something begins after what ends a spec or a declaration.
func (b *block) skip(end int) int {
	for end < len(b.src) && (b.src[end] == ' ' || b.src[end] == ';') {
		end++
	}
	return end
}

func isStdSpec(s *ast.ImportSpec) bool { return isStd(Path(s)) }

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
