package swap

import (
	"fmt"
	"go/ast"
	"go/token"

	"go.execx.dev/execxfix/internal/edit"
	"go.execx.dev/execxfix/internal/imports"
	"go.execx.dev/execxfix/internal/source"
)

// edits returns the edits that make the change, or an error if the imports of the file cannot be
// rewritten.
func (w *walker) edits(c *change) ([]edit.Edit, error) {
	f := c.file
	e := &editor{file: f}
	specs, execx := imports.Find(f.AST, imports.OS), imports.Find(f.AST, imports.Execx)
	swaps := len(specs) == 1 && (len(c.sites) > 0 || len(c.neutral) > 0 && len(c.osSites) == 0)
	osName, adds := "", false
	for _, conv := range c.conversions {
		e.convert(conv.expr)
	}
	switch {
	case swaps && len(execx) == 1:
		// The file was swapped in part before.
		name := imports.Name(execx[0], "execx")
		osName = imports.Name(specs[0], "exec")
		for _, s := range c.sites {
			e.qualify(s.id, name)
		}
		if len(c.lits) == 0 && len(c.osSites) == 0 {
			for _, id := range c.neutral {
				e.qualify(id, name)
			}
			drop, err := imports.Drop(f.Src)
			if err != nil {
				return nil, err
			}
			e.edits = append(e.edits, drop...)
		}
	case swaps:
		if len(c.lits) > 0 || len(c.osSites) > 0 {
			osName = w.osName(f)
		}
		for _, s := range c.osSites {
			e.qualify(s.id, osName)
		}
	case len(c.lits) > 0 && len(specs) == 1:
		osName = imports.Name(specs[0], "exec")
	case len(c.lits) > 0:
		osName = w.osName(f)
		adds = true
	}
	for _, lit := range c.lits {
		e.insert(lit.Lbrace+1, "Cmd: "+qualified(osName)+"Cmd{")
		e.insert(lit.Rbrace, "}")
	}
	var err error
	var more []edit.Edit
	switch {
	case adds:
		more, err = imports.Add(f.Src, osName, e.edits...)
	case swaps && len(execx) == 0:
		more, err = imports.Swap(f.Src, osName, e.edits...)
	}
	return append(e.edits, more...), err
}

// An editor collects edits to a file.
type editor struct {
	file  *source.File
	edits []edit.Edit
}

func (e *editor) replace(start, end token.Pos, text string) {
	e.edits = append(e.edits, edit.Edit{Start: e.file.Offset(start), End: e.file.Offset(end), Text: text})
}

func (e *editor) insert(pos token.Pos, text string) { e.replace(pos, pos, text) }

// qualify makes id refer to the package imported by name.
func (e *editor) qualify(id *ast.Ident, name string) {
	start := id.Pos()
	if x := e.qualifier(id); x != nil {
		start = x.Pos()
	}
	e.replace(start, id.Pos(), qualified(name))
}

// qualified returns the qualifier, with its dot, of identifiers of the package imported by name.
func qualified(name string) string {
	if name == "." {
		return ""
	}
	return name + "."
}

// qualifier returns the package name in front of id, or nil.
func (e *editor) qualifier(id *ast.Ident) (x *ast.Ident) {
	ast.Inspect(e.file.AST, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel == id {
			x, _ = sel.X.(*ast.Ident)
		}
		return x == nil
	})
	return x
}

// convert converts an expression from *execx.Cmd to *exec.Cmd.
func (e *editor) convert(expr ast.Expr) {
	if u, ok := expr.(*ast.UnaryExpr); ok && u.Op == token.AND {
		e.insert(u.X.End(), ".Cmd")
		return
	}
	if primary(expr) {
		e.insert(expr.Pos(), "&")
		e.insert(expr.End(), ".Cmd")
	} else {
		e.insert(expr.Pos(), "&(")
		e.insert(expr.End(), ").Cmd")
	}
}

// primary reports whether a selector can follow e without parentheses.
func primary(e ast.Expr) bool {
	switch e.(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.CallExpr, *ast.IndexExpr, *ast.TypeAssertExpr:
		return true
	}
	return false
}

// osName returns a name for os/exec that is not used in the file or its package.
func (w *walker) osName(f *source.File) string {
	used := make(map[string]bool)
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			used[id.Name] = true
		}
		return true
	})
	for _, name := range w.packageNames[f] {
		used[name] = true
	}
	name := "osexec"
	for i := 2; used[name]; i++ {
		name = fmt.Sprintf("osexec%d", i)
	}
	return name
}
