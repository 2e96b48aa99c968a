package swap

import (
	"go/types"
	"strings"

	"go.execx.dev/execxfix/internal/source"
)

// exported keeps what other modules can see of the package.
func (w *walker) exported() {
	seen := make(map[*types.Named]bool)
	scope := w.pkg.Types.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if f := w.tree.FileOf(obj.Pos()); !obj.Exported() || f == nil || isTest(f) {
			continue
		}
		w.visible(obj, describe(obj), seen)
	}
}

// visible keeps obj, and what its type makes visible.
func (w *walker) visible(obj types.Object, name string, seen map[*types.Named]bool) {
	if obj.Pkg() != w.pkg.Types {
		return
	}
	_, isType := obj.(*types.TypeName)
	if mentions(obj.Type()) || isType && namedOf(obj.Type()) != nil {
		w.g.keep(w.objectSlot(obj), "exported API: "+name)
	}
	w.reach(obj.Type(), name, seen)
}

func (w *walker) reach(t types.Type, name string, seen map[*types.Named]bool) {
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
				w.visible(m, name+"."+m.Name(), seen)
			}
		}
		if namedOf(t) != nil {
			w.g.keep(w.objectSlot(t.Obj()), "exported API: "+name)
		}
		w.reach(t.Underlying(), name, seen)
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				w.visible(f, name+"."+f.Name(), seen)
			} else if f.Embedded() {
				w.reach(f.Type(), name, seen)
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			w.visible(m, name+"."+m.Name(), seen)
		}
	case *types.Pointer:
		w.reach(t.Elem(), name, seen)
	case *types.Slice:
		w.reach(t.Elem(), name, seen)
	case *types.Array:
		w.reach(t.Elem(), name, seen)
	case *types.Chan:
		w.reach(t.Elem(), name, seen)
	case *types.Map:
		w.reach(t.Key(), name, seen)
		w.reach(t.Elem(), name, seen)
	case *types.Signature:
		for v := range t.Params().Variables() {
			w.reach(v.Type(), name, seen)
		}
		for v := range t.Results().Variables() {
			w.reach(v.Type(), name, seen)
		}
	}
}

// foreignInterfaces keeps the methods that an interface of another module dictates, be it met by a
// conversion here or by an assertion there.
func (w *walker) foreignInterfaces(b *source.Build) {
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
				w.dictate(n, iface)
			}
		}
	}
}

func methodMentions(i *types.Interface) bool {
	for m := range i.Methods() {
		if mentions(m.Type()) {
			return true
		}
	}
	return false
}

func (w *walker) dictate(n *types.Named, iface *types.TypeName) {
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
