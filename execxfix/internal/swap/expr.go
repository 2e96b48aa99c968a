package swap

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
)

// typed returns the slot of something of type t whose slot is s, unless its type has a name.
func (w *walker) typed(t types.Type, s *slot) *slot {
	if t == nil {
		return nil
	}
	if n := namedOf(t); n != nil {
		named := w.objectSlot(n)
		if mentions(t) { // by a type argument
			w.g.unite(named, s)
		}
		return named
	}
	if !mentions(t) {
		return nil
	}
	return s
}

// expr returns the slot of an expression, or of a type, or nil if its type does not mention
// exec.Cmd.
func (w *walker) expr(e ast.Expr) *slot {
	if e == nil {
		return nil
	}
	tv, ok := w.info.Types[e]
	var t types.Type
	if ok {
		t = tv.Type
	} else if id, ok := e.(*ast.Ident); ok && w.object(id) != nil {
		t = w.object(id).Type()
	}
	if tv.IsType() {
		return w.typeExpr(e)
	}
	if t == nil {
		return nil
	}
	if n := namedOf(t); n != nil || !mentions(t) {
		return w.typed(t, nil)
	}
	if x := operand(e); x != nil {
		return w.expr(x)
	}
	switch e := e.(type) {
	case *ast.Ident:
		return w.ident(e)
	case *ast.SelectorExpr:
		return w.selector(e)
	case *ast.TypeAssertExpr:
		return w.typeExpr(e.Type)
	case *ast.CompositeLit:
		if e.Type != nil {
			return w.typeExpr(e.Type)
		}
	case *ast.FuncLit:
		return w.typeExpr(e.Type)
	case *ast.IndexExpr:
		if w.isInstance(e.X) {
			return w.instance(e.X)
		}
		return w.expr(e.X)
	case *ast.IndexListExpr:
		return w.instance(e.X)
	case *ast.CallExpr:
		return w.call(e)
	}
	return w.g.slot(key{nodeKey, e.Pos()})
}

// operand returns what has the same slot as e, be it an expression or a type, and is the only part
// of it that may have one, or nil.
func operand(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return e.X
	case *ast.StarExpr:
		return e.X
	case *ast.UnaryExpr:
		return e.X
	case *ast.SliceExpr:
		return e.X
	case *ast.ArrayType:
		return e.Elt
	case *ast.Ellipsis:
		return e.Elt
	case *ast.ChanType:
		return e.Value
	}
	return nil
}

func (w *walker) ident(id *ast.Ident) *slot {
	if w.isInstance(id) {
		return w.instance(id)
	}
	obj := w.object(id)
	if s := w.siteOf(id, obj); s != nil {
		return s
	}
	return w.objectSlot(obj)
}

func (w *walker) selector(e *ast.SelectorExpr) *slot {
	if w.isInstance(e.Sel) {
		return w.instance(e.Sel)
	}
	sel := w.info.Selections[e]
	if sel == nil {
		return w.ident(e.Sel) // of a package
	}
	if obj := sel.Obj(); obj.Pkg() != nil && obj.Pkg().Path() == osPath {
		return w.expr(e.X) // a method expression
	}
	var origin types.Type
	switch o := sel.Obj().(type) {
	case *types.Var:
		origin = o.Origin().Type()
	case *types.Func:
		origin = o.Origin().Type()
	}
	if mentions(origin) || namedOf(origin) != nil {
		return w.objectSlot(sel.Obj())
	}
	return w.expr(e.X) // by a type argument
}

// isInstance reports whether a generic function is named, with a type argument that mentions
// exec.Cmd.
func (w *walker) isInstance(e ast.Expr) bool {
	id := instanceIdent(e)
	if id == nil {
		return false
	}
	inst, ok := w.info.Instances[id]
	if !ok || !anyMentions(inst.TypeArgs) {
		return false
	}
	_, isFunc := w.info.Uses[id].(*types.Func)
	return isFunc
}

func (w *walker) instance(e ast.Expr) *slot {
	id := instanceIdent(e)
	s := w.g.slot(key{nodeKey, id.Pos()})
	if f := w.info.Uses[id].(*types.Func); mentions(f.Origin().Type()) {
		w.g.unite(s, w.objectSlot(f))
	}
	return s
}

func instanceIdent(e ast.Expr) *ast.Ident {
	switch e := astutil.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	}
	return nil
}

// typeExpr returns the slot of a type as it is written.
func (w *walker) typeExpr(e ast.Expr) *slot {
	if x := operand(e); x != nil {
		return w.typeExpr(x)
	}
	switch e := e.(type) {
	case *ast.MapType:
		return w.all(w.typeExpr(e.Key), w.typeExpr(e.Value))
	case *ast.FuncType:
		s := w.fields(e.Params)
		return w.all(s, w.fields(e.Results))
	case *ast.IndexExpr:
		return w.all(w.typeExpr(e.X), w.typeExpr(e.Index))
	case *ast.IndexListExpr:
		s := w.typeExpr(e.X)
		for _, arg := range e.Indices {
			s = w.all(s, w.typeExpr(arg))
		}
		return s
	case *ast.SelectorExpr:
		return w.typeName(e.Sel)
	case *ast.Ident:
		return w.typeName(e)
	}
	return nil
}

func (w *walker) typeName(id *ast.Ident) *slot {
	obj, ok := w.object(id).(*types.TypeName)
	if !ok {
		return nil
	}
	if s := w.siteOf(id, obj); s != nil {
		return s
	}
	if obj.IsAlias() && mentions(obj.Type()) || namedOf(obj.Type()) != nil && !obj.IsAlias() {
		return w.objectSlot(obj)
	}
	return w.typed(obj.Type(), nil)
}

// all unites those of the slots that are not nil, and returns one of them.
func (w *walker) all(a, b *slot) *slot {
	w.g.unite(a, b)
	if a == nil || b != nil && a.key.kind == foreignKey {
		return b
	}
	return a
}

func (w *walker) fields(list *ast.FieldList) (s *slot) {
	if list != nil {
		for _, f := range list.List {
			if t := w.typeExpr(f.Type); t != nil && mentions(w.info.TypeOf(f.Type)) {
				s = w.all(s, t)
			}
		}
	}
	return s
}
