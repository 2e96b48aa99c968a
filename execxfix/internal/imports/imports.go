// Package imports replaces the import of os/exec with an import of execx, and restores it.
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

// Path returns the import path of spec.
func Path(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}

// Name returns the name by which spec imports a package whose own name is base.
func Name(spec *ast.ImportSpec, base string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return base
}

// Find returns the specs of f that import path by a name other than _.
func Find(f *ast.File, path string) []*ast.ImportSpec {
	var specs []*ast.ImportSpec
	for _, spec := range f.Imports {
		if Path(spec) == path && Name(spec, "") != "_" {
			specs = append(specs, spec)
		}
	}
	return specs
}

// Swap returns the edits that make src import execx by the name by which it imports os/exec. If
// osName is not empty, src continues to import os/exec by that name. If the new import does not
// show what the original one looked like, Swap adds a comment that does.
//
// The others are edits that will be applied together with those of Swap. The result is formatted if
// and only if src is. If [Restore] could not undo the edits, Swap returns an error.
func Swap(src []byte, osName string, others ...edit.Edit) ([]edit.Edit, error) {
	b, err := newBlock(src, OS)
	if err != nil {
		return nil, err
	}
	var marks []string
	if Name(b.spec, "") == "exec" {
		marks = append(marks, "named")
	}
	if osName != "" && b.decl.Lparen.IsValid() && len(b.decl.Specs) == 1 {
		marks = append(marks, "block")
	}
	for _, more := range [][]string{nil, {"unformatted"}, {"inplace"}, {"inplace", "unformatted"}} {
		edits := b.swap(osName, strings.Join(append(slices.Clip(marks), more...), ","))
		all := edit.Apply(src, append(slices.Clone(edits), others...))
		if bytes.Equal(restored(edit.Apply(src, edits)), src) && edit.Formatted(all) == edit.Formatted(src) {
			return edits, nil
		}
	}
	return nil, errIrreversible
}

// restored returns src after [Restore].
func restored(src []byte) []byte {
	edits, _ := Restore(src)
	return edit.Apply(src, edits)
}

// swap returns the edits of [Swap] with the given mark.
func (b *block) swap(osName, mark string) []edit.Edit {
	inPlace := strings.Contains(mark, "inplace")
	name := Name(b.spec, "exec")
	if name == "execx" && !inPlace {
		name = "" // the package has that name
	}
	line := b.specText(name, Execx)
	if osName == "" {
		if b.spec.Name == nil && b.follows("import") {
			line = " " + strings.Replace(line, " ", "", 1)
		}
		line += note(mark, b.src[b.end:])
		if b.specPerLine() && !inPlace {
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
	if paren && !b.specPerLine() {
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

// Restore returns the edits that make src import os/exec instead of execx. If src also imports
// os/exec, they merge the two imports.
func Restore(src []byte) ([]edit.Edit, error) {
	b, err := newBlock(src, Execx)
	if err != nil {
		return nil, err
	}
	name := Name(b.spec, "execx")
	if name == "exec" && !strings.Contains(b.mark, "named") {
		name = ""
	}
	line := b.specText(name, OS)
	if other := Find(b.file, OS); len(other) == 1 {
		return b.merge(other[0], line), nil
	}
	if b.specPerLine() && !strings.Contains(b.mark, "inplace") && !slices.ContainsFunc(b.group, isStdSpec) {
		for _, g := range b.groups {
			if isStdSpec(g[0]) {
				return b.move(line, g, Execx), nil
			}
		}
		if len(b.group) > 1 {
			return b.moveToNew(line, false), nil
		}
	}
	e := b.replace(b.spec, line)
	if name == "" && b.follows("import exec") { // the original was import"os/exec"
		e.Start--
	}
	return []edit.Edit{e}, nil
}

// follows reports whether the path follows text immediately.
func (b *block) follows(text string) bool {
	return bytes.HasSuffix(b.src[:b.offset(b.spec.Path.Pos())], []byte(text))
}

// merge removes the spec and replaces the other one, which imports os/exec, with text.
func (b *block) merge(other *ast.ImportSpec, text string) []edit.Edit {
	toOS := b.replace(other, text)
	if !b.decl.Lparen.IsValid() { // the other import is in another declaration
		start, end := b.lineStartOf(b.decl.Pos()), b.lineEndOf(b.decl.End())
		if start <= toOS.Start && toOS.Start < end {
			start, end = b.offset(b.decl.Pos()), b.skipSeparators(b.offset(b.decl.End()))
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
	case strings.Contains(b.mark, "inplace") && b.src[b.end-1] != '/':
		// The spec is on its own line.
		return []edit.Edit{toOS, {Start: b.lineStartOf(b.spec.Pos()), End: b.lineEnd(b.spec)}}
	case b.specPerLine() && single:
		return []edit.Edit{{Start: lparen, End: rparen + 1, Text: text + b.comment(other)}}
	case b.specPerLine():
		return []edit.Edit{toOS, b.remove()}
	case isNext:
		start = b.offset(other.Path.End())
	default:
		end = b.skipSeparators(end)
	}
	edits := []edit.Edit{toOS, {Start: start, End: end}}
	if single {
		edits = append(edits, edit.Edit{Start: lparen, End: lparen + 1}, edit.Edit{Start: rparen, End: rparen + 1})
	}
	return edits
}

// skipSeparators returns the offset of the first byte after end that is neither a space nor a
// semicolon.
func (b *block) skipSeparators(end int) int {
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

// parse parses the imports of src. It returns a nil file if they have syntax errors.
func parse(src []byte) (*token.FileSet, *ast.File) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ParseComments|parser.SkipObjectResolution|parser.ImportsOnly)
	if err != nil {
		return nil, nil
	}
	return fset, f
}
