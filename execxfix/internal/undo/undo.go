// Package undo replaces execx with os/exec in the source code of a module. It is the reverse of
// package swap.
package undo

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"go.execx.dev/execxfix/internal/edit"
	"go.execx.dev/execxfix/internal/imports"
	"go.execx.dev/execxfix/internal/source"
	"go.execx.dev/execxfix/internal/swap"
	"golang.org/x/tools/go/ast/astutil"
)

// Undo returns the changes to the files that use execx, except those in left. It also returns the
// places that only the user can change, such as uses of what os/exec does not have.
func Undo(tree *source.Tree, builds []*source.Build, left map[string]string) *swap.Result {
	u := &undoer{files: make(map[*source.File]*file)}
	for _, b := range builds {
		for _, p := range b.Packages {
			for _, f := range p.Files {
				if f.Own && left[f.Name] == "" {
					u.walk(p, f)
				}
			}
		}
	}
	r := &swap.Result{}
	for f, c := range u.files {
		src, err := c.apply()
		if err != nil {
			spec := imports.Find(c.AST, imports.Execx)[0]
			r.Left = append(r.Left, swap.Left{Pos: spec.Pos(), What: "import", Why: err.Error()})
			continue
		}
		for pos, what := range c.left {
			r.Left = append(r.Left, swap.Left{Pos: pos, What: what, Why: "os/exec has nothing like it"})
		}
		if string(src) != string(f.Src) {
			r.Changes = append(r.Changes, swap.Change{Name: f.Name, Old: f.Src, New: src})
		}
	}
	slices.SortFunc(r.Changes, func(a, b swap.Change) int { return cmp.Compare(a.Name, b.Name) })
	return r
}

type undoer struct{ files map[*source.File]*file }

// A file collects the changes to a file.
type file struct {
	*source.File
	cuts  map[token.Pos]cut          // replaced source, by start position
	quals map[*ast.SelectorExpr]bool // qualified identifiers of os/exec
	left  map[token.Pos]string       // names of what os/exec does not have, by position
}

// A cut replaces the source up to end with text.
type cut struct {
	end  token.Pos
	text string
}

func (u *undoer) walk(p *source.Package, f *source.File) {
	c := u.files[f]
	if c == nil {
		c = &file{f, make(map[token.Pos]cut), make(map[*ast.SelectorExpr]bool), make(map[token.Pos]string)}
		u.files[f] = c
	}
	ast.PreorderStack(f.AST, nil, func(n ast.Node, stack []ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			c.selector(p.Info, n, stack)
		case *ast.CompositeLit:
			c.literal(p.Info, n)
		case *ast.Ident:
			c.ident(p.Info, n)
		}
		return true
	})
}

// selector reverses &x.Cmd, and records uses of os/exec and of names that only execx has.
func (c *file) selector(info *types.Info, n *ast.SelectorExpr, stack []ast.Node) {
	sel := info.Selections[n]
	if sel == nil {
		if obj := info.Uses[n.Sel]; obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == imports.OS {
			c.quals[n] = true
		}
		return
	}
	obj := sel.Obj()
	if obj.Pkg() == nil || obj.Pkg().Path() != imports.Execx {
		return
	}
	if obj.Name() != "Cmd" || sel.Kind() != types.FieldVal {
		if !osHas(obj) {
			c.left[n.Sel.Pos()] = obj.Name()
		}
		return
	}
	if len(sel.Index()) != 1 {
		return
	}
	_, pointer := types.Unalias(info.TypeOf(n.X)).(*types.Pointer)
	parent := stack[len(stack)-1]
	switch parent := parent.(type) {
	case *ast.SelectorExpr: // x.Cmd.Path
		c.cuts[n.X.End()] = cut{end: n.End()}
		return
	case *ast.UnaryExpr:
		if parent.Op != token.AND {
			break
		}
		if pointer {
			c.cuts[parent.OpPos] = cut{end: parent.OpPos + 1}
			if paren, ok := n.X.(*ast.ParenExpr); ok {
				c.cuts[paren.Lparen] = cut{end: paren.Lparen + 1}
				c.cuts[paren.Rparen] = cut{end: n.End()}
				return
			}
		}
		c.cuts[n.X.End()] = cut{end: n.End()}
		return
	}
	if pointer {
		c.cuts[n.Pos()] = cut{end: n.Pos(), text: "*"}
	}
	c.cuts[n.X.End()] = cut{end: n.End()}
}

// osHas reports whether os/exec has an object with the name of obj, which belongs to execx.
func osHas(obj types.Object) bool {
	for _, imp := range obj.Pkg().Imports() {
		if imp.Path() != imports.OS {
			continue
		}
		if obj.Parent() == obj.Pkg().Scope() {
			return imp.Scope().Lookup(obj.Name()) != nil
		}
		cmd := imp.Scope().Lookup("Cmd")
		found, _, _ := types.LookupFieldOrMethod(types.NewPointer(cmd.Type()), true, imp, obj.Name())
		return found != nil
	}
	return false
}

// literal reverses exec.Cmd{Cmd: osexec.Cmd{…}}.
func (c *file) literal(info *types.Info, n *ast.CompositeLit) {
	t := info.TypeOf(n)
	if t == nil || len(n.Elts) == 0 {
		return
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Name() != "Cmd" || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != imports.Execx {
		return
	}
	if len(n.Elts) == 1 {
		if kv, ok := n.Elts[0].(*ast.KeyValueExpr); ok {
			if inner, ok := astutil.Unparen(kv.Value).(*ast.CompositeLit); ok {
				c.cuts[n.Lbrace+1] = cut{end: inner.Lbrace + 1}
				c.cuts[inner.Rbrace] = cut{end: n.Rbrace}
				return
			}
		}
	}
	c.left[n.Lbrace] = "execx.Cmd literal with fields of execx"
}

// ident records names that only execx has.
func (c *file) ident(info *types.Info, n *ast.Ident) {
	obj := info.Uses[n]
	if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != imports.Execx || obj.Parent() != obj.Pkg().Scope() {
		return
	}
	if !osHas(obj) {
		c.left[n.Pos()] = obj.Name()
	}
}

// apply returns the new source. It fails if the import of execx cannot be rewritten.
func (c *file) apply() ([]byte, error) {
	execx, os := imports.Find(c.AST, imports.Execx), imports.Find(c.AST, imports.OS)
	var edits []edit.Edit
	add := func(start, end token.Pos, text string) {
		edits = append(edits, edit.Edit{Start: c.Offset(start), End: c.Offset(end), Text: text})
	}
	cutOut := func(pos token.Pos) bool {
		for start, cut := range c.cuts {
			if start <= pos && pos < cut.end {
				return true
			}
		}
		return false
	}
	for start, cut := range c.cuts {
		add(start, cut.end, cut.text)
	}
	uses := 0 // remaining uses of os/exec
	for n := range c.quals {
		if !cutOut(n.Pos()) {
			uses++
		}
	}
	switch {
	case len(execx) == 1:
		back, err := imports.Restore(c.Src)
		if err != nil {
			return nil, err
		}
		edits = append(edits, back...)
		if len(os) != 1 {
			break
		}
		name := imports.Name(execx[0], "execx")
		for n := range c.quals {
			switch {
			case cutOut(n.Pos()):
			case name == ".":
				add(n.X.Pos(), n.Sel.Pos(), "")
			default:
				add(n.X.Pos(), n.X.End(), name)
			}
		}
	case len(execx) == 0 && len(os) == 1 && uses == 0 && len(c.cuts) > 0 && strings.HasPrefix(imports.Name(os[0], ""), "osexec"):
		edits = append(edits, imports.Remove(c.Src)...)
	}
	return edit.Apply(c.Src, edits), nil
}
