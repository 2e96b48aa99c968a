package imports

import (
	"bytes"
	"go/ast"
	"go/token"
	"slices"
	"strconv"

	"go.execx.dev/execxfix/internal/edit"
)

// Drop returns the edits to import execx alone in a file that imports os/exec, too.
func Drop(src []byte) []edit.Edit {
	_, f := parse(src)
	if f == nil || len(f.Decls) == 0 {
		return nil
	}
	end := int(f.Decls[len(f.Decls)-1].End() - f.FileStart)
	if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
		end += i + 1
	}
	both := src[:end]
	one := restored(both)
	return []edit.Edit{{End: end, Text: string(edit.Apply(one, Swap(one, "")))}}
}

// Add returns the edits to import os/exec by this name in a file that does not import it. The
// result is formatted only if src is, with what else is done to it, too.
func Add(src []byte, name string, others ...edit.Edit) []edit.Edit {
	line := name + " " + strconv.Quote(OS)
	fset, f := parse(src)
	if f == nil {
		return nil
	}
	edits := add(src, fset, f, line)
	added := edit.Apply(src, edits)
	all := edit.Apply(src, append(slices.Clone(edits), others...))
	if !bytes.Equal(edit.Apply(added, Remove(added)), src) || edit.Formatted(all) != edit.Formatted(src) {
		at := fset.File(f.FileStart).Offset(f.Name.End())
		return []edit.Edit{{Start: at, End: at, Text: "; import " + line}}
	}
	return edits
}

func add(src []byte, fset *token.FileSet, f *ast.File, line string) []edit.Edit {
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
	b := &block{src: src, newline: newlineOf(src), tok: fset.File(f.FileStart), file: f}
	end := b.lineEndOf(f.Name.End())
	return []edit.Edit{{Start: end, End: end, Text: b.newline + "import " + line + b.newline}}
}

// Remove returns the edits that undo those of [Add].
func Remove(src []byte) []edit.Edit {
	b := newBlock(src, OS)
	switch {
	case b == nil:
		return nil
	case b.lines():
		return []edit.Edit{b.remove()}
	case b.decl.Lparen.IsValid():
		return nil
	}
	start, end := b.lineStartOf(b.decl.Pos()), b.lineEndOf(b.decl.End())
	if before, ok := bytes.CutSuffix(src[:b.offset(b.decl.Pos())], []byte("; ")); ok {
		start, end = len(before), b.offset(b.decl.End())
	} else if bytes.HasSuffix(src[:start], []byte("\n"+b.newline)) {
		start -= len(b.newline)
	}
	return []edit.Edit{{Start: start, End: end}}
}
