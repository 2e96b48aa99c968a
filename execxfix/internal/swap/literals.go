package swap

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
)

func (w *walker) compositeLit(n *ast.CompositeLit) {
	t := w.info.TypeOf(n)
	if t == nil {
		return
	}
	t = deref(t) // of an element of a []*T
	s := w.litSlot(n)
	if isCmd(t) {
		w.lits[n] = &literal{w.file, s}
		return
	}
	switch u := types.Unalias(t).Underlying().(type) {
	case *types.Struct:
		for i, e := range n.Elts {
			var f *types.Var
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				id, _ := kv.Key.(*ast.Ident)
				f, _ = w.info.Uses[id].(*types.Var)
				e = kv.Value
			} else if i < u.NumFields() {
				f = u.Field(i)
			}
			if f != nil {
				field := w.objectSlot(f)
				if !mentions(f.Origin().Type()) {
					field = s
				}
				w.flow(w.typed(f.Type(), field), f.Type(), e, false)
			}
		}
	case *types.Map:
		w.elements(n, s, u.Key(), u.Elem())
	case *types.Slice:
		w.elements(n, s, nil, u.Elem())
	case *types.Array:
		w.elements(n, s, nil, u.Elem())
	}
}

func (w *walker) elements(n *ast.CompositeLit, s *slot, keyType, elemType types.Type) {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if keyType != nil {
				w.element(s, keyType, kv.Key)
			}
			e = kv.Value
		}
		w.element(s, elemType, e)
	}
}

func (w *walker) element(s *slot, t types.Type, e ast.Expr) {
	s = w.typed(t, s)
	if lit, ok := e.(*ast.CompositeLit); ok && lit.Type == nil {
		if s != nil {
			w.g.unite(w.g.slot(key{nodeKey, lit.Pos()}), s)
		}
		return
	}
	w.flow(s, t, e, false)
}

// litSlot returns the slot of a literal. One without a type has that of what it is in.
func (w *walker) litSlot(n *ast.CompositeLit) *slot {
	t := w.info.TypeOf(n)
	if n.Type != nil {
		return w.typed(t, w.typeExpr(n.Type))
	}
	return w.typed(t, w.g.slot(key{nodeKey, n.Pos()}))
}

// copy keeps what is copied by value: go vet does not like that of execx, and after Start it is
// wrong.
func (w *walker) copy(e ast.Expr) {
	switch x := astutil.Unparen(e).(type) {
	case *ast.CompositeLit:
		return
	case *ast.CallExpr:
		return
	case *ast.StarExpr:
		if call, ok := astutil.Unparen(x.X).(*ast.CallExpr); ok && w.info.Types[call.Fun].IsBuiltin() {
			return
		}
	}
	w.copyOf(w.info.TypeOf(e), w.expr(e))
}

func (w *walker) copyOf(t types.Type, s *slot) {
	const why = "is copied, which an execx.Cmd must not be"
	if t == nil {
		return
	}
	switch u := types.Unalias(t).(type) {
	case *types.Named:
		if isCmd(u) {
			w.g.keep(s, why)
			return
		}
		if st, ok := u.Underlying().(*types.Struct); ok {
			w.copyOf(st, nil)
		}
	case *types.Struct:
		for f := range u.Fields() {
			if byValue(f.Type()) {
				w.copyOf(f.Type(), w.objectSlot(f))
			}
		}
	case *types.Array:
		w.copyOf(u.Elem(), s)
	}
}

// byValue reports whether a variable of type t may have an exec.Cmd in it.
func byValue(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if isCmd(t) {
			return true
		}
		_, ok := t.Underlying().(*types.Struct)
		return ok
	case *types.Struct, *types.Array:
		return true
	}
	return false
}

// copied keeps what parameters and receivers have by value.
func (w *walker) copied(list *ast.FieldList) {
	if list == nil {
		return
	}
	for _, f := range list.List {
		w.copyOf(w.info.TypeOf(f.Type), w.typeExpr(f.Type))
	}
}
