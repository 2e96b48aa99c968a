package swap

import (
	"cmp"
	"go/token"
	"maps"
	"slices"
)

// A slot is a declaration or an expression whose type mentions exec.Cmd. All of its type uses the
// same package: in a func(*exec.Cmd) *exec.Cmd, the parameter and the result both use os/exec, or
// both use execx.
//
// Slots that must use the same package are unified in a class. The root of the class holds its
// properties.
type slot struct {
	parent *slot
	key    key

	kept            string // why the class stays with os/exec, or ""
	sites           []*site
	starts          bool // a method starts a command of the class
	waits           bool // a method waits for a command of the class
	nilable         bool // a command of the class is nil, or is compared with nil
	waitsIndirectly bool // waits is set for this class, or one to which its commands flow
}

// A key identifies a slot on all systems for which a file is type-checked.
type key struct {
	kind byte
	pos  token.Pos
}

const (
	objectKey byte = iota
	nodeKey
	dynamicKey // the dynamic values of interfaces
	foreignKey // declared outside the module
)

// find returns the root of the class of s.
func (s *slot) find() *slot {
	for s.parent != nil {
		if s.parent.parent != nil {
			s.parent = s.parent.parent
		}
		s = s.parent
	}
	return s
}

// A flow is the assignment of a *exec.Cmd from one slot to another of the same type. The source may
// use execx even if the destination uses os/exec, by &x.Cmd.
type flow struct {
	from, to *slot
	param    bool // to is a parameter
	pos      token.Pos
}

// A graph holds the slots and the flows between them.
type graph struct {
	slots map[key]*slot
	flows map[flow]bool
}

func newGraph() *graph {
	return &graph{slots: make(map[key]*slot), flows: make(map[flow]bool)}
}

// slot returns the slot for k.
func (g *graph) slot(k key) *slot {
	s := g.slots[k]
	if s == nil {
		s = &slot{key: k}
		g.slots[k] = s
	}
	return s
}

// unify makes a and b use the same package. It ignores nil. A foreign slot always uses os/exec.
func (g *graph) unify(a, b *slot) {
	if a == nil || b == nil {
		return
	}
	a, b = a.find(), b.find()
	switch {
	case a == b:
		return
	case a.key.kind == foreignKey:
		g.keep(b, a.kept)
		return
	case b.key.kind == foreignKey:
		g.keep(a, b.kept)
		return
	}
	// The smallest key is the root, so that each run reports the same reasons.
	if compareKeys(b.key, a.key) < 0 {
		a, b = b, a
	}
	b.parent = a
	a.kept = cmp.Or(a.kept, b.kept)
	a.sites, b.sites = append(a.sites, b.sites...), nil
	a.starts = a.starts || b.starts
	a.waits = a.waits || b.waits
	a.nilable = a.nilable || b.nilable
}

func compareKeys(a, b key) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.pos, b.pos)) }

// keep makes the class of s stay with os/exec. The first reason counts.
func (g *graph) keep(s *slot, why string) {
	if s == nil {
		return
	}
	if s = s.find(); s.kept == "" {
		s.kept = why
	}
}

// propagate keeps each class that must stay with os/exec because another one does.
func (g *graph) propagate() {
	flows := slices.SortedFunc(maps.Keys(g.flows), func(a, b flow) int {
		return cmp.Or(cmp.Compare(a.pos, b.pos), compareKeys(a.from.key, b.from.key), compareKeys(a.to.key, b.to.key))
	})
	for changed := true; changed; {
		changed = false
		for _, f := range flows {
			from, to := f.from.find(), f.to.find()
			if (to.waits || to.waitsIndirectly) && !from.waitsIndirectly {
				from.waitsIndirectly, changed = true, true
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, f := range flows {
			from, to := f.from.find(), f.to.find()
			switch {
			case from.kept != "" && to.kept == "":
				g.keep(to, from.kept)
				changed = true
			case from.kept == "" && to.kept != "" && f.keepsSource(from, to):
				g.keep(from, to.kept)
				changed = true
			}
		}
	}
}

// keepsSource reports whether from must stay with os/exec because to does, although &x.Cmd would
// compile: it panics if x is nil; os/exec cannot wait for a command that execx has started; and a
// command that only os/exec starts and waits for would gain nothing from execx.
func (f flow) keepsSource(from, to *slot) bool {
	switch {
	case from.nilable && !f.param:
		return true
	case to.key.kind == foreignKey: // the other module waits if nothing here does
		return from.starts && !from.waits
	case !from.starts && !from.waits:
		return true
	case f.param:
		return from.starts && (to.waits || to.waitsIndirectly)
	}
	return from.starts
}
