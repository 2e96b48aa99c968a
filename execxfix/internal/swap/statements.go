package swap

import (
	"go/ast"
	"go/types"
)

func (w *walker) valueSpec(n *ast.ValueSpec) {
	var typ *slot
	if n.Type != nil {
		typ = w.typeExpr(n.Type)
	}
	for i, name := range n.Names {
		obj := w.object(name)
		if obj == nil {
			continue
		}
		dst := w.slotOf(obj.Type(), w.declared(name, obj))
		w.g.unify(dst, typ)
		w.store(dst, obj.Type(), n.Type == nil, n.Values, i, len(n.Names))
	}
}

// store records the assignment of values to the i-th of n variables, whose slot is dst. If infer is
// set, the variable is declared without a type.
func (w *walker) store(dst *slot, t types.Type, infer bool, values []ast.Expr, i, n int) {
	switch {
	case len(values) == 0:
	case len(values) != n:
		w.fromTuple(dst, t, values[0], i)
	case infer:
		w.copied(values[i])
		w.g.unify(dst, w.expr(values[i]))
	default:
		w.flow(dst, t, values[i], false)
	}
}

// declared returns the slot of a variable that is declared by name. A variable named _ has none.
func (w *walker) declared(name *ast.Ident, obj types.Object) *slot {
	if name.Name == "_" || !mentions(obj.Type()) {
		return nil
	}
	return w.objectSlot(obj)
}

// fromTuple records the assignment of the i-th value of a call with several results, or of a
// comma-ok expression.
func (w *walker) fromTuple(dst *slot, dstType types.Type, value ast.Expr, i int) {
	t := w.info.TypeOf(value)
	if tuple, ok := t.(*types.Tuple); ok && i < tuple.Len() {
		t = tuple.At(i).Type()
	}
	s := w.slotOf(t, w.expr(value))
	if types.IsInterface(dstType) {
		w.toInterface(dstType, t, s)
		return
	}
	w.g.unify(dst, s)
}

func (w *walker) assign(n *ast.AssignStmt) {
	for i, lhs := range n.Lhs {
		if isBlank(lhs) {
			if len(n.Rhs) == len(n.Lhs) {
				w.copied(n.Rhs[i])
			}
			continue
		}
		if dst, t, isNew := w.target(lhs); t != nil {
			w.store(dst, t, isNew, n.Rhs, i, len(n.Lhs))
		}
	}
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// target returns the slot and the type of the left side of an assignment, and reports whether it
// declares a variable.
func (w *walker) target(e ast.Expr) (dst *slot, t types.Type, isNew bool) {
	if id, ok := e.(*ast.Ident); ok {
		if obj := w.info.Defs[id]; obj != nil {
			return w.slotOf(obj.Type(), w.declared(id, obj)), obj.Type(), true
		}
	}
	return w.expr(e), w.info.TypeOf(e), false
}

func (w *walker) rangeStmt(n *ast.RangeStmt) {
	over := w.expr(n.X)
	for _, e := range []ast.Expr{n.Key, n.Value} {
		if e == nil || isBlank(e) {
			continue
		}
		dst, t, _ := w.target(e)
		w.copiedType(t, over)
		if types.IsInterface(t) {
			w.boxed = append(w.boxed, over)
			continue
		}
		w.g.unify(dst, over)
	}
}

func (w *walker) returnStmt(n *ast.ReturnStmt) {
	if len(w.functions) == 0 {
		return
	}
	f := w.functions[len(w.functions)-1]
	results := f.sig.Results()
	for i := range results.Len() {
		t := results.At(i).Type()
		w.store(w.slotOf(t, f.slot), t, false, n.Results, i, results.Len())
	}
}

// comparison makes the operands of a comparison use the same package.
func (w *walker) comparison(x, y ast.Expr) {
	a, b := w.expr(x), w.expr(y)
	w.g.unify(a, b)
	w.compared(a, y)
	w.compared(b, x)
}

// compared records that an operand, whose slot is s, is compared with the operand with.
func (w *walker) compared(s *slot, with ast.Expr) {
	switch {
	case w.isNil(with):
		setNilable(s)
	case s != nil && types.IsInterface(w.info.TypeOf(with)):
		w.boxed, w.unboxed = append(w.boxed, s), append(w.unboxed, s)
	}
}

func (w *walker) isNil(e ast.Expr) bool { return w.info.Types[e].IsNil() }

func setNilable(s *slot) {
	if s != nil {
		s.find().nilable = true
	}
}
