package swap

import (
	"go/types"
	"strings"

	"go.execx.dev/execxfix/internal/source"
)

// keepExported keeps the API of the package that other modules can use.
func (w *walker) keepExported() {
	seen := make(map[*types.Named]bool)
	scope := w.pkg.Types.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if f := w.tree.FileOf(obj.Pos()); !obj.Exported() || f == nil || isTest(f) {
			continue
		}
		w.keepVisible(obj, describe(obj), seen)
	}
}

// keepVisible keeps obj, and the API that is reachable through its type.
func (w *walker) keepVisible(obj types.Object, name string, seen map[*types.Named]bool) {
	if obj.Pkg() != w.pkg.Types {
		return
	}
	_, isType := obj.(*types.TypeName)
	if mentions(obj.Type()) || isType && namedOf(obj.Type()) != nil {
		w.g.keep(w.objectSlot(obj), "exported API: "+name)
	}
	w.keepReachable(obj.Type(), name, seen)
}

// keepReachable keeps the API that is reachable through t: the exported fields and methods of types
// of the package.
func (w *walker) keepReachable(t types.Type, name string, seen map[*types.Named]bool) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		t = t.Origin()
		if seen[t] || t.Obj().Pkg() != w.pkg.Types {
			return
		}
		seen[t] = true
		name = describe(t.Obj())
		for m := range t.Methods() {
			if m.Exported() {
				w.keepVisible(m, name+"."+m.Name(), seen)
			}
		}
		if namedOf(t) != nil {
			w.g.keep(w.objectSlot(t.Obj()), "exported API: "+name)
		}
		w.keepReachable(t.Underlying(), name, seen)
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				w.keepVisible(f, name+"."+f.Name(), seen)
			} else if f.Embedded() {
				w.keepReachable(f.Type(), name, seen)
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			w.keepVisible(m, name+"."+m.Name(), seen)
		}
	case *types.Pointer:
		w.keepReachable(t.Elem(), name, seen)
	case *types.Slice:
		w.keepReachable(t.Elem(), name, seen)
	case *types.Array:
		w.keepReachable(t.Elem(), name, seen)
	case *types.Chan:
		w.keepReachable(t.Elem(), name, seen)
	case *types.Map:
		w.keepReachable(t.Key(), name, seen)
		w.keepReachable(t.Elem(), name, seen)
	case *types.Signature:
		for v := range t.Params().Variables() {
			w.keepReachable(v.Type(), name, seen)
		}
		for v := range t.Results().Variables() {
			w.keepReachable(v.Type(), name, seen)
		}
	}
}

// keepImplementations keeps the methods that implement an interface of another module. The other
// module may assert the interface, even if this module never converts to it.
func (w *walker) keepImplementations(b *source.Build) {
	var ifaces []*types.TypeName
	for _, p := range b.Foreign() {
		if p.Path() == osPath || p.Path() == execxPath {
			continue
		}
		for _, name := range p.Scope().Names() {
			tn, ok := p.Scope().Lookup(name).(*types.TypeName)
			if !ok {
				continue
			}
			if i, ok := tn.Type().Underlying().(*types.Interface); ok && methodMentions(i) {
				ifaces = append(ifaces, tn)
			}
		}
	}
	if len(ifaces) == 0 {
		return
	}
	for _, p := range b.Packages {
		for _, obj := range p.Info.Defs {
			tn, ok := obj.(*types.TypeName)
			if !ok || tn.IsAlias() {
				continue
			}
			n, ok := tn.Type().(*types.Named)
			if !ok || n.TypeParams().Len() > 0 {
				continue
			}
			for _, iface := range ifaces {
				w.keepMethods(n, iface)
			}
		}
	}
}

// methodMentions reports whether a method of i mentions exec.Cmd.
func methodMentions(i *types.Interface) bool {
	for m := range i.Methods() {
		if mentions(m.Type()) {
			return true
		}
	}
	return false
}

// keepMethods keeps the methods of n that mention exec.Cmd and implement iface.
func (w *walker) keepMethods(n *types.Named, iface *types.TypeName) {
	i := iface.Type().Underlying().(*types.Interface)
	if !types.Implements(n, i) && !types.Implements(types.NewPointer(n), i) {
		return
	}
	for m := range i.Methods() {
		if !mentions(m.Type()) {
			continue
		}
		obj, _, _ := types.LookupFieldOrMethod(n, true, n.Obj().Pkg(), m.Name())
		if f, ok := obj.(*types.Func); ok {
			w.g.keep(w.objectSlot(f), "is dictated by interface "+describe(iface))
		}
	}
}

func isTest(f *source.File) bool { return strings.HasSuffix(f.Name, "_test.go") }
