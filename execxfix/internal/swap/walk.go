package swap

import (
	"go/ast"
	"go/token"
	"go/types"

	"go.execx.dev/execxfix/internal/source"
	"golang.org/x/tools/go/ast/astutil"
)

// A site is where a file names exec.Cmd, exec.Command or exec.CommandContext.
type site struct {
	file *source.File
	id   *ast.Ident
	slot *slot
}

// A meeting is an expression of type *exec.Cmd and the place that it goes to.
type meeting struct {
	file     *source.File
	expr     ast.Expr
	from, to *slot
}

// A walker finds what the packages of a module say about exec.Cmd.
type walker struct {
	tree         *source.Tree
	left         map[string]string // files that stay as they are, and why
	g            *graph
	sites        map[token.Pos]*site
	meets        map[ast.Expr]*meeting
	lits         map[*ast.CompositeLit]*literal
	uses         map[*source.File]map[token.Pos]*ast.Ident // of what is the same in both packages
	packageNames map[*source.File][]string                 // what is declared in the package around

	boxed   []*slot // became the value of an interface
	unboxed []*slot // came out of one

	pkg     *source.Package
	info    *types.Info
	file    *source.File
	results []result // of the function around, innermost last
}

type result struct {
	sig  *types.Signature
	slot *slot
}

// A literal is a composite literal of type exec.Cmd.
type literal struct {
	file *source.File
	slot *slot
}

func (w *walker) object(id *ast.Ident) types.Object {
	if obj := w.info.Uses[id]; obj != nil {
		return obj
	}
	return w.info.Defs[id]
}

func (w *walker) siteOf(id *ast.Ident, obj types.Object) *slot {
	if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != osPath || w.info.Uses[id] != obj {
		return nil
	}
	if name := obj.Name(); name != "Cmd" && name != "Command" && name != "CommandContext" {
		if obj.Parent() == obj.Pkg().Scope() {
			if w.uses[w.file] == nil {
				w.uses[w.file] = make(map[token.Pos]*ast.Ident)
			}
			w.uses[w.file][id.Pos()] = id
		}
		return nil
	}
	s := w.g.slot(key{objectKey, id.Pos()})
	if w.sites[id.Pos()] == nil {
		at := &site{w.file, id, s}
		w.sites[id.Pos()] = at
		c := s.find()
		c.sites = append(c.sites, at)
		if why := w.left[w.file.Name]; why != "" {
			w.g.keep(s, why)
		}
	}
	return s
}

func (w *walker) walkPackage(pkg *source.Package) {
	w.pkg, w.info = pkg, pkg.Info
	for _, f := range pkg.Files {
		if !f.Own {
			continue
		}
		w.file = f
		w.packageNames[f] = append(w.packageNames[f], pkg.Types.Scope().Names()...)
		w.walk(f.AST)
	}
}

// walk looks at a node and at all below.
func (w *walker) walk(root ast.Node) {
	ast.PreorderStack(root, nil, func(n ast.Node, stack []ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if obj, ok := w.info.Defs[n.Name].(*types.Func); ok {
				s := w.all(w.objectSlot(obj), w.typeExpr(n.Type))
				w.copied(n.Recv)
				w.body(n.Body, n.Type, obj.Signature(), s)
			}
			return false
		case *ast.FuncLit:
			if sig, ok := w.info.TypeOf(n).(*types.Signature); ok {
				w.body(n.Body, n.Type, sig, w.typeExpr(n.Type))
			}
			return false
		}
		w.node(n)
		return true
	})
}

func (w *walker) body(body *ast.BlockStmt, typ *ast.FuncType, sig *types.Signature, s *slot) {
	w.walk(typ)
	w.copied(typ.Params)
	if body == nil {
		return
	}
	w.results = append(w.results, result{sig, s})
	w.walk(body)
	w.results = w.results[:len(w.results)-1]
}

func (w *walker) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.Ident:
		w.siteOf(n, w.info.Uses[n])
	case *ast.Field:
		w.field(n)
	case *ast.InterfaceType:
		for _, m := range n.Methods.List {
			for _, name := range m.Names {
				if obj := w.info.Defs[name]; obj != nil {
					w.g.unite(w.objectSlot(obj), w.typeExpr(m.Type))
				}
			}
		}
	case *ast.TypeSpec:
		w.typeSpec(n)
	case *ast.ValueSpec:
		w.valueSpec(n)
	case *ast.AssignStmt:
		w.assign(n)
	case *ast.RangeStmt:
		w.rangeStmt(n)
	case *ast.ReturnStmt:
		w.returnStmt(n)
	case *ast.SendStmt:
		if ch, ok := types.Unalias(w.info.TypeOf(n.Chan)).Underlying().(*types.Chan); ok {
			w.flow(w.typed(ch.Elem(), w.expr(n.Chan)), ch.Elem(), n.Value, false)
		}
	case *ast.CallExpr:
		w.call(n)
	case *ast.CompositeLit:
		w.compositeLit(n)
	case *ast.SelectorExpr:
		w.methods(n)
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			w.same(n.X, n.Y)
		}
	case *ast.SwitchStmt:
		if n.Tag != nil {
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					w.same(n.Tag, e)
				}
			}
		}
	case *ast.TypeAssertExpr:
		if n.Type != nil {
			w.asserted(n.Type)
		}
	case *ast.TypeSwitchStmt:
		w.typeSwitch(n)
	}
}

func (w *walker) asserted(typ ast.Expr) {
	if s := w.typeExpr(typ); s != nil {
		w.unboxed = append(w.unboxed, s)
	}
}

func (w *walker) typeSwitch(n *ast.TypeSwitchStmt) {
	for _, c := range n.Body.List {
		c := c.(*ast.CaseClause)
		for _, typ := range c.List {
			w.asserted(typ)
		}
		if v := w.info.Implicits[c]; v != nil && len(c.List) == 1 && mentions(v.Type()) {
			w.g.unite(w.objectSlot(v), w.typeExpr(c.List[0]))
		}
	}
}

// field unites a field or a parameter with its type.
func (w *walker) field(n *ast.Field) {
	s := w.typeExpr(n.Type)
	if s == nil {
		return
	}
	for _, name := range n.Names {
		if obj := w.info.Defs[name]; obj != nil && mentions(obj.Type()) {
			w.g.unite(w.objectSlot(obj), s)
		}
	}
	if len(n.Names) == 0 {
		if v, ok := w.info.Defs[embeddedIdent(n.Type)].(*types.Var); ok && v.Embedded() && mentions(v.Type()) {
			w.g.unite(w.objectSlot(v), s)
		}
	}
}

func embeddedIdent(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return embeddedIdent(e.X)
	case *ast.StarExpr:
		return embeddedIdent(e.X)
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return embeddedIdent(e.X)
	case *ast.Ident:
		return e
	}
	return nil
}

func (w *walker) typeSpec(n *ast.TypeSpec) {
	obj, ok := w.info.Defs[n.Name].(*types.TypeName)
	if !ok {
		return
	}
	s := w.typeExpr(n.Type)
	if s == nil {
		return
	}
	switch {
	case obj.IsAlias():
		w.g.unite(w.objectSlot(obj), s)
	case isCmd(w.info.TypeOf(n.Type)):
		w.g.keep(s, "type "+obj.Name()+" has the fields of exec.Cmd, and not its methods")
	case namedOf(obj.Type()) != nil:
		w.g.unite(w.objectSlot(obj), s)
	}
}

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

// methods notes which methods of commands are used.
func (w *walker) methods(n *ast.SelectorExpr) {
	sel := w.info.Selections[n]
	if sel == nil {
		return
	}
	s := w.expr(n.X)
	t := sel.Recv()
	for _, i := range sel.Index()[:len(sel.Index())-1] {
		if isCmd(deref(t)) {
			break
		}
		st, ok := types.Unalias(deref(t)).Underlying().(*types.Struct)
		if !ok {
			return
		}
		f := st.Field(i)
		t, s = f.Type(), w.typed(f.Type(), w.objectSlot(f))
	}
	if s == nil || !isCmd(deref(t)) {
		return
	}
	s = s.find()
	switch sel.Obj().Name() {
	case "Start":
		s.starts = true
	case "Wait":
		s.waits = true
	case "Run", "Output", "CombinedOutput":
		s.starts, s.waits = true, true
	}
}
