package swap

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
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
		switch {
		case n.Type == nil && len(n.Values) == len(n.Names):
			w.infer(dst, n.Values[i])
		case len(n.Values) == len(n.Names):
			w.flow(dst, obj.Type(), n.Values[i], false)
		case len(n.Values) == 1:
			w.fromTuple(dst, obj.Type(), n.Values[0], i)
		}
	}
}

// declared returns the slot of a variable where it is declared. One named _ has none.
func (w *walker) declared(name *ast.Ident, obj types.Object) *slot {
	if name.Name == "_" || !mentions(obj.Type()) {
		return nil
	}
	return w.objectSlot(obj)
}

// infer is for a variable whose type is that of its value.
func (w *walker) infer(dst *slot, value ast.Expr) {
	w.copy(value)
	w.g.unite(dst, w.expr(value))
}

// fromTuple is for the i-th value of a call, or of a form with a comma and ok.
func (w *walker) fromTuple(dst *slot, dstType types.Type, value ast.Expr, i int) {
	var s *slot
	t := w.info.TypeOf(value)
	if tuple, ok := t.(*types.Tuple); ok && i < tuple.Len() {
		t = tuple.At(i).Type()
	}
	if call, ok := astutil.Unparen(value).(*ast.CallExpr); ok {
		s = w.call(call)
	} else if i > 0 {
		return
	} else {
		s = w.expr2(value)
	}
	if types.IsInterface(dstType) {
		w.toInterface(dstType, t, w.typed(t, s))
		return
	}
	w.g.unite(dst, w.typed(t, s))
}

// expr2 is expr for an expression whose type is that of the form with a comma and ok.
func (w *walker) expr2(e ast.Expr) *slot {
	switch e := astutil.Unparen(e).(type) {
	case *ast.IndexExpr:
		return w.expr(e.X)
	case *ast.UnaryExpr:
		return w.expr(e.X)
	case *ast.TypeAssertExpr:
		return w.typeExpr(e.Type)
	}
	return nil
}

func (w *walker) assign(n *ast.AssignStmt) {
	for i, lhs := range n.Lhs {
		id, isIdent := lhs.(*ast.Ident)
		if isIdent && id.Name == "_" {
			if len(n.Rhs) == len(n.Lhs) {
				w.copy(n.Rhs[i])
			}
			continue
		}
		var dst *slot
		var t types.Type
		isNew := false
		if isIdent && n.Tok == token.DEFINE && w.info.Defs[id] != nil {
			obj := w.info.Defs[id]
			isNew, t = true, obj.Type()
			dst = w.typed(t, w.declared(id, obj))
		} else if t = w.info.TypeOf(lhs); t != nil {
			dst = w.expr(lhs)
		}
		if t == nil {
			continue
		}
		switch {
		case len(n.Rhs) != len(n.Lhs):
			w.fromTuple(dst, t, n.Rhs[0], i)
		case isNew:
			w.infer(dst, n.Rhs[i])
		default:
			w.flow(dst, t, n.Rhs[i], false)
		}
	}
}

func (w *walker) rangeStmt(n *ast.RangeStmt) {
	over := w.expr(n.X)
	for _, e := range []ast.Expr{n.Key, n.Value} {
		if e == nil {
			continue
		}
		t := w.info.TypeOf(e)
		if id, ok := e.(*ast.Ident); ok {
			if id.Name == "_" {
				continue
			}
			if obj := w.info.Defs[id]; obj != nil {
				t = obj.Type()
				w.copyOf(t, over)
				w.g.unite(w.typed(t, w.declared(id, obj)), over)
				continue
			}
		}
		w.copyOf(t, over)
		if types.IsInterface(t) {
			w.boxed = append(w.boxed, over)
			continue
		}
		w.g.unite(w.expr(e), over)
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
		switch {
		case len(n.Results) == results.Len():
			w.flow(w.typed(t, r.slot), t, n.Results[i], false)
		case len(n.Results) == 1:
			w.fromTuple(w.typed(t, r.slot), t, n.Results[0], i)
		}
	}
}

// same has two operands be of the same package.
func (w *walker) same(x, y ast.Expr) {
	a, b := w.expr(x), w.expr(y)
	switch {
	case w.isNil(y):
		setNilable(a)
	case w.isNil(x):
		setNilable(b)
	case a != nil && b != nil:
		w.g.unite(a, b)
	case a != nil && types.IsInterface(w.info.TypeOf(y)):
		w.boxed, w.unboxed = append(w.boxed, a), append(w.unboxed, a)
	case b != nil && types.IsInterface(w.info.TypeOf(x)):
		w.boxed, w.unboxed = append(w.boxed, b), append(w.unboxed, b)
	}
}

func (w *walker) isNil(e ast.Expr) bool { return w.info.Types[e].IsNil() }

func setNilable(s *slot) {
	if s != nil {
		s.find().nilable = true
	}
}
