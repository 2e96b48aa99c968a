package swap

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
)

// flow records that value is assigned to dst, of type dstType, or is passed to it if it is a
// parameter.
func (w *walker) flow(dst *slot, dstType types.Type, value ast.Expr, param bool) {
	if dstType == nil {
		return
	}
	w.copied(value)
	value = astutil.Unparen(value)
	if w.isNil(value) {
		setNilable(dst)
		return
	}
	t := w.info.TypeOf(value)
	if t == nil {
		return
	}
	if types.IsInterface(dstType) {
		w.toInterface(dstType, t, w.expr(value))
		return
	}
	from := w.expr(value)
	if from == nil || dst == nil {
		return
	}
	if !isCmdPointer(dstType) || !isCmdPointer(t) || w.isLiteral(value) {
		w.g.unify(dst, from)
		return
	}
	w.g.flows[flow{from, dst, param, value.Pos()}] = true
	if w.conversions[value] == nil {
		w.conversions[value] = &conversion{w.file, value, from, dst}
	}
}

// isLiteral reports whether e is &exec.Cmd{…}, which can use either package.
func (w *walker) isLiteral(e ast.Expr) bool {
	u, ok := e.(*ast.UnaryExpr)
	if !ok || u.Op != token.AND {
		return false
	}
	_, ok = astutil.Unparen(u.X).(*ast.CompositeLit)
	return ok
}

// toInterface records that a value of type t, whose slot is s, is converted to an interface.
func (w *walker) toInterface(iface, t types.Type, s *slot) {
	if s != nil && !types.IsInterface(t) {
		w.boxed = append(w.boxed, s)
	}
	i, ok := types.Unalias(iface).Underlying().(*types.Interface)
	if !ok || types.Identical(iface, t) {
		return
	}
	for m := range i.Methods() {
		if !mentions(m.Type()) {
			continue
		}
		if obj, _, _ := types.LookupFieldOrMethod(t, true, m.Pkg(), m.Name()); obj != nil {
			w.g.unify(w.objectSlot(m), w.objectSlot(obj))
		}
	}
}

// call records the flow of arguments and returns the slot of the results.
func (w *walker) call(n *ast.CallExpr) *slot {
	fun := astutil.Unparen(n.Fun)
	tv := w.info.Types[fun]
	switch {
	case tv.IsType():
		s := w.typeExpr(fun)
		if len(n.Args) == 1 {
			w.flow(s, tv.Type, n.Args[0], false)
			from := w.expr(n.Args[0])
			switch {
			case types.IsInterface(tv.Type):
			case s != nil && from == nil && !w.isNil(n.Args[0]):
				w.g.keep(s, "is converted from another type")
			case s == nil && from != nil:
				w.g.keep(from, "is converted to another type")
			default:
				w.g.unify(s, from)
			}
		}
		return s
	case tv.IsBuiltin():
		return w.builtin(fun, n)
	}
	sig, ok := types.Unalias(w.info.TypeOf(fun)).(*types.Signature)
	if !ok {
		if t := w.info.TypeOf(fun); t != nil {
			sig, ok = t.Underlying().(*types.Signature)
		}
		if !ok {
			return nil
		}
	}
	s := w.expr(fun)
	var boxes []*slot
	if w.prints(fun) {
		boxed := w.boxed
		defer func() { w.boxed = boxed }()
	}
	for i, arg := range n.Args {
		t := w.paramType(sig, i, n)
		if t == nil {
			continue
		}
		if tuple, ok := w.info.TypeOf(arg).(*types.Tuple); ok { // f(g())
			from := w.expr(arg)
			for j := range tuple.Len() {
				if t := w.paramType(sig, j, n); t != nil {
					w.g.unify(w.slotOf(t, s), w.slotOf(tuple.At(j).Type(), from))
				}
			}
			continue
		}
		w.flow(w.slotOf(t, s), t, arg, true)
		if a := w.expr(arg); a != nil && types.IsInterface(t) {
			boxes = append(boxes, a) // the function may compare them
		}
	}
	for _, b := range boxes {
		w.g.unify(boxes[0], b)
	}
	return s
}

// prints reports whether fun belongs to a package whose functions only print their arguments.
func (w *walker) prints(fun ast.Expr) bool {
	id := instanceIdent(fun)
	if id == nil {
		return false
	}
	obj := w.info.Uses[id]
	if obj == nil || obj.Pkg() == nil {
		return false
	}
	path := obj.Pkg().Path()
	return path == "fmt" || path == "log" || path == "log/slog" || path == "testing"
}

// paramType returns the type of the parameter to which call n passes its i-th argument.
func (w *walker) paramType(sig *types.Signature, i int, n *ast.CallExpr) types.Type {
	last := sig.Params().Len() - 1
	switch {
	case sig.Variadic() && i >= last:
		t := sig.Params().At(last).Type()
		if slice, ok := t.Underlying().(*types.Slice); ok && !n.Ellipsis.IsValid() {
			return slice.Elem()
		}
		return t
	case i <= last:
		return sig.Params().At(i).Type()
	}
	return nil
}

// builtin records the flow of arguments of a built-in function and returns the slot of its result.
func (w *walker) builtin(fun ast.Expr, n *ast.CallExpr) *slot {
	name := ""
	switch f := fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		return nil // a function of unsafe
	}
	switch name {
	case "new", "make":
		return w.expr(n.Args[0])
	case "append":
		s := w.expr(n.Args[0])
		for _, arg := range n.Args[1:] {
			w.copied(arg)
			if a := w.expr(arg); s == nil {
				w.boxed = append(w.boxed, a)
			} else {
				w.g.unify(s, a)
			}
		}
		return s
	case "copy":
		w.g.unify(w.expr(n.Args[0]), w.expr(n.Args[1]))
	case "panic":
		if s := w.expr(n.Args[0]); s != nil {
			w.boxed = append(w.boxed, s)
		}
	}
	return nil
}
