package swap

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
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

// execxNames returns the fields and methods of the Cmd of execx.
func execxNames(b *source.Build) map[string]bool {
	names := make(map[string]bool)
	for _, p := range b.Foreign() {
		if p.Path() == execxPath {
			if obj := p.Scope().Lookup("Cmd"); obj != nil {
				collect(obj.Type(), nil, names, make(map[types.Type]bool))
			}
		}
	}
	return names
}

// collect adds the names of fields and methods that t promotes if it is embedded, but for
// those of skip.
func collect(t types.Type, skip *types.Var, names map[string]bool, seen map[types.Type]bool) {
	t = types.Unalias(deref(t))
	if seen[t] {
		return
	}
	seen[t] = true
	if n, ok := t.(*types.Named); ok {
		for m := range n.Methods() {
			names[m.Name()] = true
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		for m := range u.Methods() {
			names[m.Name()] = true
		}
	case *types.Struct:
		for f := range u.Fields() {
			if f == skip {
				continue
			}
			names[f.Name()] = true
			if f.Embedded() {
				collect(f.Type(), skip, names, seen)
			}
		}
	}
}

// embeddings keeps an exec.Cmd that is embedded beside something with a field or method of the
// same name as one of execx has.
func (w *walker) embeddings(names map[string]bool) {
	for id, obj := range w.info.Defs {
		tn, ok := obj.(*types.TypeName)
		if !ok || tn.IsAlias() {
			continue
		}
		st, ok := tn.Type().Underlying().(*types.Struct)
		if !ok || w.tree.FileOf(id.Pos()) == nil {
			continue
		}
		for _, cmd := range embeddedCmds(st, make(map[*types.Struct]bool)) {
			beside := make(map[string]bool)
			seen := make(map[types.Type]bool)
			own := make(map[string]bool)
			if n, ok := tn.Type().(*types.Named); ok {
				for m := range n.Methods() {
					own[m.Name()] = true
				}
			}
			for f := range st.Fields() {
				own[f.Name()] = true
				if f.Embedded() && f != cmd {
					collect(f.Type(), cmd, beside, seen)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(beside)) {
				if names[name] && ast.IsExported(name) && !own[name] {
					w.g.keep(w.objectSlot(cmd), "type "+tn.Name()+" embeds it beside something else with a "+name)
				}
			}
		}
	}
}

// embeddedCmds returns the fields by which st embeds exec.Cmd, at any depth.
func embeddedCmds(st *types.Struct, seen map[*types.Struct]bool) (fields []*types.Var) {
	if seen[st] {
		return nil
	}
	seen[st] = true
	for f := range st.Fields() {
		if !f.Embedded() {
			continue
		}
		if isCmd(deref(f.Type())) {
			fields = append(fields, f)
		} else if inner, ok := types.Unalias(deref(f.Type())).Underlying().(*types.Struct); ok {
			fields = append(fields, embeddedCmds(inner, seen)...)
		}
	}
	return fields
}

// foreignInterfaces keeps the methods that an interface of another module dictates, be it
// met by a conversion here or by an assertion there.
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
