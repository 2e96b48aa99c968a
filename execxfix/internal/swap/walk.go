package swap

import (
	"go/ast"
	"go/token"
	"go/types"

	"go.execx.dev/execxfix/internal/source"
)

// A site is a use of exec.Cmd, exec.Command or exec.CommandContext in a file.
type site struct {
	file *source.File
	id   *ast.Ident
	slot *slot
}

// A conversion is an expression of type *exec.Cmd that is assigned from one slot to another. If
// only the source changes to execx, the expression must be converted.
type conversion struct {
	file     *source.File
	expr     ast.Expr
	from, to *slot
}

// A walker finds the uses of exec.Cmd in the packages of a module.
type walker struct {
	tree        *source.Tree
	left        map[string]string // files that stay as they are, and why
	refused     map[string]error  // files of left whose imports cannot be rewritten
	g           *graph
	sites       map[token.Pos]*site
	conversions map[ast.Expr]*conversion
	lits        map[*ast.CompositeLit]*literal

	// uses holds the other uses of os/exec, which mean the same in execx.
	uses map[*source.File]map[token.Pos]*ast.Ident

	// packageNames holds the names that the package of a file declares.
	packageNames map[*source.File][]string

	boxed   []*slot // converted to an interface
	unboxed []*slot // asserted from an interface, or compared with one

	pkg       *source.Package
	info      *types.Info
	file      *source.File
	functions []function // the enclosing functions, innermost last
}

// A function is the signature and the slot of a function.
type function struct {
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

// siteOf returns the slot of the site at id, or nil if id is not one.
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
		w.keepLeft(w.file, s)
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

// walk visits a node and all its descendants.
func (w *walker) walk(root ast.Node) {
	ast.PreorderStack(root, nil, func(n ast.Node, stack []ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if obj, ok := w.info.Defs[n.Name].(*types.Func); ok {
				s := w.join(w.objectSlot(obj), w.typeExpr(n.Type))
				w.copiedParams(n.Recv)
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
	w.copiedParams(typ.Params)
	if body == nil {
		return
	}
	w.functions = append(w.functions, function{sig, s})
	w.walk(body)
	w.functions = w.functions[:len(w.functions)-1]
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
					w.g.unify(w.objectSlot(obj), w.typeExpr(m.Type))
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
			w.flow(w.slotOf(ch.Elem(), w.expr(n.Chan)), ch.Elem(), n.Value, false)
		}
	case *ast.CallExpr:
		w.call(n)
	case *ast.CompositeLit:
		w.compositeLit(n)
	case *ast.SelectorExpr:
		w.methods(n)
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			w.comparison(n.X, n.Y)
		}
	case *ast.SwitchStmt:
		if n.Tag != nil {
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					w.comparison(n.Tag, e)
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

// asserted records an assertion to typ.
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
			w.g.unify(w.objectSlot(v), w.typeExpr(c.List[0]))
		}
	}
}

// field unifies fields or parameters with their type.
func (w *walker) field(n *ast.Field) {
	s := w.typeExpr(n.Type)
	if s == nil {
		return
	}
	for _, name := range n.Names {
		if obj := w.info.Defs[name]; obj != nil && mentions(obj.Type()) {
			w.g.unify(w.objectSlot(obj), s)
		}
	}
	if len(n.Names) == 0 {
		if v, ok := w.info.Defs[embeddedIdent(n.Type)].(*types.Var); ok && v.Embedded() && mentions(v.Type()) {
			w.g.unify(w.objectSlot(v), s)
		}
	}
}

// embeddedIdent returns the identifier that names an embedded field of type e.
func embeddedIdent(e ast.Expr) *ast.Ident {
	if x := operand(e); x != nil {
		return embeddedIdent(x)
	}
	switch e := e.(type) {
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
		w.g.unify(w.objectSlot(obj), s)
	case isCmd(w.info.TypeOf(n.Type)):
		w.g.keep(s, "type "+obj.Name()+" has the fields of exec.Cmd but not its methods")
	case namedOf(obj.Type()) != nil:
		w.g.unify(w.objectSlot(obj), s)
	}
}

// methods records which methods of a command are used.
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
		t, s = f.Type(), w.slotOf(f.Type(), w.objectSlot(f))
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
