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
	t = deref(t) // in a []*T, &T may be omitted
	s := w.litSlot(n)
	if isCmd(t) {
		w.lits[n] = &literal{w.file, s}
		if len(n.Elts) > 0 {
			w.keepLeft(w.file, s)
		}
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
				w.flow(w.slotOf(f.Type(), field), f.Type(), e, false)
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

// elements records the flow of the keys and elements of a literal into its slot.
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
	s = w.slotOf(t, s)
	if lit, ok := e.(*ast.CompositeLit); ok && lit.Type == nil {
		if s != nil {
			w.g.unify(w.g.slot(key{nodeKey, lit.Pos()}), s)
		}
		return
	}
	w.flow(s, t, e, false)
}

// litSlot returns the slot of a composite literal. If its type is omitted, element unifies that
// slot with the one of the enclosing literal.
func (w *walker) litSlot(n *ast.CompositeLit) *slot {
	t := w.info.TypeOf(n)
	if n.Type != nil {
		return w.slotOf(t, w.typeExpr(n.Type))
	}
	return w.slotOf(t, w.g.slot(key{nodeKey, n.Pos()}))
}

// copied keeps e if it copies an exec.Cmd. Go vet reports the copy of an execx.Cmd, and a copy made
// after Start does not work.
func (w *walker) copied(e ast.Expr) {
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
	w.copiedType(w.info.TypeOf(e), w.expr(e))
}

// copiedType keeps each exec.Cmd that a value of type t, whose slot is s, contains.
func (w *walker) copiedType(t types.Type, s *slot) {
	const why = "is copied, and an execx.Cmd must not be copied"
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
			w.copiedType(st, nil)
		}
	case *types.Struct:
		for f := range u.Fields() {
			if byValue(f.Type()) {
				w.copiedType(f.Type(), w.objectSlot(f))
			}
		}
	case *types.Array:
		w.copiedType(u.Elem(), s)
	}
}

// byValue reports whether a variable of type t may contain an exec.Cmd.
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

// copiedParams keeps each exec.Cmd that parameters or receivers contain.
func (w *walker) copiedParams(list *ast.FieldList) {
	if list == nil {
		return
	}
	for _, f := range list.List {
		w.copiedType(w.info.TypeOf(f.Type), w.typeExpr(f.Type))
	}
}
