package swap

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
)

// slotOf returns the slot of an expression of type t: the slot of the type's declaration if namedOf
// returns one, s if t only mentions exec.Cmd, or nil.
func (w *walker) slotOf(t types.Type, s *slot) *slot {
	if t == nil {
		return nil
	}
	if n := namedOf(t); n != nil {
		named := w.objectSlot(n)
		if mentions(t) { // in a type argument
			w.g.unify(named, s)
		}
		return named
	}
	if !mentions(t) {
		return nil
	}
	return s
}

// expr returns the slot of an expression or a type expression, or nil if its type does not mention
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
		return w.slotOf(t, nil)
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

// operand returns the part of e that has the same slot as e, if it is the only part that can have a
// slot, or nil. Both are expressions or type expressions.
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
		return w.ident(e.Sel) // a qualified identifier
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
	return w.expr(e.X) // in a type argument
}

// isInstance reports whether e names a generic function that is instantiated with a type argument
// that mentions exec.Cmd.
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

// instance returns the slot of an instance of a generic function.
func (w *walker) instance(e ast.Expr) *slot {
	id := instanceIdent(e)
	s := w.g.slot(key{nodeKey, id.Pos()})
	if f := w.info.Uses[id].(*types.Func); mentions(f.Origin().Type()) {
		w.g.unify(s, w.objectSlot(f))
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

// typeExpr returns the slot of a type expression.
func (w *walker) typeExpr(e ast.Expr) *slot {
	if x := operand(e); x != nil {
		return w.typeExpr(x)
	}
	switch e := e.(type) {
	case *ast.MapType:
		return w.join(w.typeExpr(e.Key), w.typeExpr(e.Value))
	case *ast.FuncType:
		s := w.fields(e.Params)
		return w.join(s, w.fields(e.Results))
	case *ast.IndexExpr:
		return w.join(w.typeExpr(e.X), w.typeExpr(e.Index))
	case *ast.IndexListExpr:
		s := w.typeExpr(e.X)
		for _, arg := range e.Indices {
			s = w.join(s, w.typeExpr(arg))
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
	return w.slotOf(obj.Type(), nil)
}

// join unifies a and b, either of which may be nil, and returns one that is not.
func (w *walker) join(a, b *slot) *slot {
	w.g.unify(a, b)
	if a == nil || b != nil && a.key.kind == foreignKey {
		return b
	}
	return a
}

// fields joins the slots of the types in a field list.
func (w *walker) fields(list *ast.FieldList) (s *slot) {
	if list != nil {
		for _, f := range list.List {
			if t := w.typeExpr(f.Type); t != nil && mentions(w.info.TypeOf(f.Type)) {
				s = w.join(s, t)
			}
		}
	}
	return s
}
