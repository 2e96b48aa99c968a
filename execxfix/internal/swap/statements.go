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
		dst := w.typed(obj.Type(), w.declared(name, obj))
		w.g.unite(dst, typ)
		w.store(dst, obj.Type(), n.Type == nil, n.Values, i, len(n.Names))
	}
}

// store is for the i-th of n variables that are given values, or none. It may infer its type from
// them.
func (w *walker) store(dst *slot, t types.Type, infer bool, values []ast.Expr, i, n int) {
	switch {
	case len(values) == 0:
	case len(values) != n:
		w.fromTuple(dst, t, values[0], i)
	case infer:
		w.copy(values[i])
		w.g.unite(dst, w.expr(values[i]))
	default:
		w.flow(dst, t, values[i], false)
	}
}

// declared returns the slot of a variable where it is declared. One named _ has none.
func (w *walker) declared(name *ast.Ident, obj types.Object) *slot {
	if name.Name == "_" || !mentions(obj.Type()) {
		return nil
	}
	return w.objectSlot(obj)
}

// fromTuple is for the i-th value of a call, or of a form with a comma and ok.
func (w *walker) fromTuple(dst *slot, dstType types.Type, value ast.Expr, i int) {
	t := w.info.TypeOf(value)
	if tuple, ok := t.(*types.Tuple); ok && i < tuple.Len() {
		t = tuple.At(i).Type()
	}
	s := w.typed(t, w.expr(value))
	if types.IsInterface(dstType) {
		w.toInterface(dstType, t, s)
		return
	}
	w.g.unite(dst, s)
}

func (w *walker) assign(n *ast.AssignStmt) {
	for i, lhs := range n.Lhs {
		if isBlank(lhs) {
			if len(n.Rhs) == len(n.Lhs) {
				w.copy(n.Rhs[i])
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

// target returns what is assigned to, and whether it is declared there.
func (w *walker) target(e ast.Expr) (dst *slot, t types.Type, isNew bool) {
	if id, ok := e.(*ast.Ident); ok {
		if obj := w.info.Defs[id]; obj != nil {
			return w.typed(obj.Type(), w.declared(id, obj)), obj.Type(), true
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
		w.copyOf(t, over)
		if types.IsInterface(t) {
			w.boxed = append(w.boxed, over)
			continue
		}
		w.g.unite(dst, over)
	}
}

func (w *walker) returnStmt(n *ast.ReturnStmt) {
	if len(w.results) == 0 {
		return
	}
	r := w.results[len(w.results)-1]
	results := r.sig.Results()
	for i := range results.Len() {
		t := results.At(i).Type()
		w.store(w.typed(t, r.slot), t, false, n.Results, i, results.Len())
	}
}

// same has two operands be of the same package.
func (w *walker) same(x, y ast.Expr) {
	a, b := w.expr(x), w.expr(y)
	w.g.unite(a, b)
	w.compared(a, y)
	w.compared(b, x)
}

// compared is for something that is compared with nil, or with what is in an interface.
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
