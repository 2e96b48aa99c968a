package swap

import (
	"fmt"
	"go/types"
)

const (
	osPath    = "os/exec"
	execxPath = "go.execx.dev/execx"

	// swapped is why the literal of os/exec in one of execx stays, which is no news.
	swapped = "is part of an execx.Cmd"
)

// isCmd reports whether t is the exec.Cmd of os/exec.
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

// mentions reports whether t is made of exec.Cmd. The types that a program names, and the fields
// and methods of those that it does not, have a say of their own.
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

// namedOf returns the type, other than exec.Cmd, that t or what it points to is called by, if what
// it stands for mentions exec.Cmd.
func namedOf(t types.Type) *types.TypeName {
	n, ok := types.Unalias(deref(t)).(*types.Named)
	if !ok || isCmd(n) || !mentions(n.Origin().Underlying()) {
		return nil
	}
	return n.Obj()
}

// objectSlot returns the slot of a declaration whose type, that is t, mentions exec.Cmd.
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
		s.kept = describe(obj) + " is of another module"
		if obj.Pkg().Path() == execxPath {
			s.kept = swapped
		}
		return s
	}
	s := w.g.slot(key{objectKey, obj.Pos()})
	if why := w.left[f.Name]; why != "" {
		w.g.keep(s, why)
	}
	return s
}

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
