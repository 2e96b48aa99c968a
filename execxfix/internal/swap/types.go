package swap

import (
	"fmt"
	"go/types"

	"go.execx.dev/execxfix/internal/source"
)

const (
	osPath    = "os/exec"
	execxPath = "go.execx.dev/execx"

	// partOfExecx is why the exec.Cmd literal in an execx.Cmd literal stays. It is not reported.
	partOfExecx = "is part of an execx.Cmd"
)

// isCmd reports whether t is the Cmd of os/exec.
func isCmd(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == "Cmd" && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == osPath
}

func isCmdPointer(t types.Type) bool {
	p, ok := types.Unalias(t).(*types.Pointer)
	return ok && isCmd(p.Elem())
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// mentions reports whether t is composed of exec.Cmd. Of a named type, it considers only the type
// arguments, and of a struct or an interface nothing, because their declarations, fields and
// methods have their own slots.
func mentions(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if isCmd(t) {
			return true
		}
		return anyMentions(t.TypeArgs())
	case *types.Pointer:
		return mentions(t.Elem())
	case *types.Slice:
		return mentions(t.Elem())
	case *types.Array:
		return mentions(t.Elem())
	case *types.Chan:
		return mentions(t.Elem())
	case *types.Map:
		return mentions(t.Key()) || mentions(t.Elem())
	case *types.Signature:
		return mentions(t.Params()) || mentions(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			if mentions(v.Type()) {
				return true
			}
		}
	}
	return false
}

func anyMentions(list *types.TypeList) bool {
	for t := range list.Types() {
		if mentions(t) {
			return true
		}
	}
	return false
}

// namedOf returns the name of t, or of the type that it points to, if that is a defined type other
// than exec.Cmd whose underlying type mentions exec.Cmd.
func namedOf(t types.Type) *types.TypeName {
	n, ok := types.Unalias(deref(t)).(*types.Named)
	if !ok || isCmd(n) || !mentions(n.Origin().Underlying()) {
		return nil
	}
	return n.Obj()
}

// objectSlot returns the slot of a declaration whose type mentions exec.Cmd.
func (w *walker) objectSlot(obj types.Object) *slot {
	switch o := obj.(type) {
	case *types.Var:
		obj = o.Origin()
	case *types.Func:
		obj = o.Origin()
	}
	if obj == nil || obj.Pkg() == nil || !obj.Pos().IsValid() {
		return nil
	}
	if obj.Pkg().Path() == osPath {
		return nil
	}
	f := w.tree.FileOf(obj.Pos())
	if f == nil || !f.Own {
		s := w.g.slot(key{foreignKey, obj.Pos()})
		s.kept = describe(obj) + " is declared in another module"
		if obj.Pkg().Path() == execxPath {
			s.kept = partOfExecx
		}
		return s
	}
	s := w.g.slot(key{objectKey, obj.Pos()})
	w.keepLeft(f, s)
	return s
}

// keepLeft keeps s if its file f is left.
func (w *walker) keepLeft(f *source.File, s *slot) {
	if why := w.left[f.Name]; why != "" {
		w.g.keep(s, w.tree.Rel(f.Name)+" "+why)
	}
}

// describe returns the name of obj for messages.
func describe(obj types.Object) string {
	name := obj.Name()
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		return fmt.Sprintf("field %s of %s", name, obj.Pkg().Path())
	}
	if f, ok := obj.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			if n, ok := types.Unalias(deref(recv.Type())).(*types.Named); ok {
				name = n.Obj().Name() + "." + name
			}
		}
	}
	return fmt.Sprintf("%s.%s", obj.Pkg().Path(), name)
}
