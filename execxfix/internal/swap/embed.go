package swap

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"go.execx.dev/execxfix/internal/source"
)

// execxNames returns the names of the fields and methods of execx.Cmd.
func execxNames(b *source.Build) map[string]bool {
	names := make(map[string]bool)
	for _, p := range b.Foreign() {
		if p.Path() == execxPath {
			if obj := p.Scope().Lookup("Cmd"); obj != nil {
				addPromoted(obj.Type(), nil, names, make(map[types.Type]bool))
			}
		}
	}
	return names
}

// addPromoted adds to names the fields and methods that are promoted from an embedded t, except
// those from the field skip.
func addPromoted(t types.Type, skip *types.Var, names map[string]bool, seen map[types.Type]bool) {
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
				addPromoted(f.Type(), skip, names, seen)
			}
		}
	}
}

// keepEmbedded keeps each exec.Cmd that is embedded beside another type with a field or method that
// execx.Cmd also has, because their selectors would be ambiguous.
func (w *walker) keepEmbedded(names map[string]bool) {
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
					addPromoted(f.Type(), cmd, beside, seen)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(beside)) {
				if names[name] && ast.IsExported(name) && !own[name] {
					w.g.keep(w.objectSlot(cmd), "type "+tn.Name()+" embeds it beside another type that has "+name)
				}
			}
		}
	}
}

// embeddedCmds returns the fields through which st embeds exec.Cmd, at any depth.
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
