package imports

import (
	"bytes"
	"go/ast"
	"go/token"
	"strconv"

	"go.execx.dev/execxfix/internal/edit"
)

// Drop returns the edits that make a file import only execx if it imports both packages.
func Drop(src []byte) ([]edit.Edit, error) {
	_, f := parse(src)
	if f == nil || len(f.Decls) == 0 {
		return nil, errSyntax
	}
	end := int(f.Decls[len(f.Decls)-1].End() - f.FileStart)
	if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
		end += i + 1
	}
	both := src[:end]
	one := restored(both)
	edits, err := Swap(one, "")
	if err != nil {
		return nil, err
	}
	return []edit.Edit{{End: end, Text: string(edit.Apply(one, edits))}}, nil
}

// Add returns the edits that make a file import os/exec by the given name if it does not import it
// yet.
//
// The others are edits that will be applied together with those of Add. The result is formatted if
// and only if src is. If [Remove] could not undo the edits, Add returns an error.
func Add(src []byte, name string, others ...edit.Edit) ([]edit.Edit, error) {
	fset, f := parse(src)
	if f == nil {
		return nil, errSyntax
	}
	spec := name + " " + strconv.Quote(OS)
	b := &block{src: src, newline: newlineOf(src), tok: fset.File(f.FileStart), file: f}
	end := b.offset(f.Name.End())
	for _, e := range []edit.Edit{
		b.addToBlock(spec),
		b.addDecl(spec),
		b.addDecl(spec + note("adjoined", nil)),
		{Start: end, End: end, Text: "; import " + spec},
	} {
		added := edit.Apply(src, []edit.Edit{e})
		all := edit.Apply(src, append([]edit.Edit{e}, others...))
		if bytes.Equal(edit.Apply(added, Remove(added)), src) && edit.Formatted(all) == edit.Formatted(src) {
			return []edit.Edit{e}, nil
		}
	}
	return nil, errIrreversible
}

// addToBlock adds an import to the first import declaration in parentheses, or if there is none,
// adds a declaration.
func (b *block) addToBlock(spec string) edit.Edit {
	for _, d := range b.file.Decls {
		d, ok := d.(*ast.GenDecl)
		if !ok || d.Tok != token.IMPORT || !d.Lparen.IsValid() || len(d.Specs) == 0 {
			continue
		}
		b, err := newBlock(b.src, Path(d.Specs[0].(*ast.ImportSpec)))
		if err != nil || !b.specPerLine() {
			continue
		}
		for _, g := range b.groups {
			if isStd(Path(g[0])) {
				return b.insert(g, spec+b.newline, OS)
			}
		}
		at := b.lineStart(b.groups[0][0])
		return edit.Edit{Start: at, End: at, Text: "\t" + spec + b.newline + b.newline}
	}
	return b.addDecl(spec)
}

// addDecl adds an import declaration after the line of the package clause.
func (b *block) addDecl(spec string) edit.Edit {
	end := b.lineEndOf(b.file.Name.End())
	return edit.Edit{Start: end, End: end, Text: b.newline + "import " + spec + b.newline}
}

// Remove returns the edits that undo those of [Add].
func Remove(src []byte) []edit.Edit {
	b, err := newBlock(src, OS)
	switch {
	case err != nil:
		return nil
	case b.specPerLine():
		return []edit.Edit{b.remove()}
	case b.decl.Lparen.IsValid():
		return nil
	}
	start, end := b.lineStartOf(b.decl.Pos()), b.lineEndOf(b.decl.End())
	if before, ok := bytes.CutSuffix(src[:b.offset(b.decl.Pos())], []byte("; ")); ok {
		return []edit.Edit{{Start: len(before), End: b.offset(b.decl.End())}}
	}
	if bytes.HasSuffix(src[:start], []byte("\n"+b.newline)) {
		start -= len(b.newline)
	}
	return []edit.Edit{{Start: start, End: end}}
}
