package swap

import (
	"cmp"
	"go/token"
	"maps"
	"slices"
)

// A slot is what has one type that mentions exec.Cmd: a declaration, or an expression. All of a
// type is one: a func(*exec.Cmd) *exec.Cmd has either parameter and result of os/exec, or both of
// execx.
//
// Slots that must have the same are united in a class, whose first slot has what is known of it.
type slot struct {
	parent *slot
	key    key

	kept     string // why the class stays with os/exec, or ""
	sites    []*site
	starts   bool // a command of the class is started by a method
	waits    bool // or waited for
	nilable  bool // or is nil, or compared with it
	waitedOn bool // waits, or so does what its commands are given to
}

// A key identifies a slot in all the systems that a file is type-checked for.
type key struct {
	kind byte
	pos  token.Pos
}

const (
	objectKey byte = iota
	nodeKey
	dynamicKey // all that is in an interface
	foreignKey // what is declared outside of the module
)

func (s *slot) find() *slot {
	for s.parent != nil {
		if s.parent.parent != nil {
			s.parent = s.parent.parent
		}
		s = s.parent
	}
	return s
}

// A flow is of a *exec.Cmd from one slot to another of the same type. The one may be of execx and
// the other of os/exec, for there is &x.Cmd.
type flow struct {
	from, to *slot
	param    bool // to is a parameter
	pos      token.Pos
}

type graph struct {
	slots map[key]*slot
	flows map[flow]bool
}

func newGraph() *graph {
	return &graph{slots: make(map[key]*slot), flows: make(map[flow]bool)}
}

func (g *graph) slot(k key) *slot {
	s := g.slots[k]
	if s == nil {
		s = &slot{key: k}
		g.slots[k] = s
	}
	return s
}

// unite has both be of the same package. Nil has no say, and what is foreign is of os/exec.
func (g *graph) unite(a, b *slot) {
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
	// The class is named by its first slot, for the same reasons in each run.
	if less(b.key, a.key) < 0 {
		a, b = b, a
	}
	b.parent = a
	a.kept = cmp.Or(a.kept, b.kept)
	a.sites, b.sites = append(a.sites, b.sites...), nil
	a.starts = a.starts || b.starts
	a.waits = a.waits || b.waits
	a.nilable = a.nilable || b.nilable
}

func less(a, b key) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.pos, b.pos)) }

// keep has the class of s stay with os/exec.
func (g *graph) keep(s *slot, why string) {
	if s == nil {
		return
	}
	if s = s.find(); s.kept == "" {
		s.kept = why
	}
}

// settle keeps all that something kept requires to be kept.
func (g *graph) settle() {
	flows := slices.SortedFunc(maps.Keys(g.flows), func(a, b flow) int {
		return cmp.Or(cmp.Compare(a.pos, b.pos), less(a.from.key, b.from.key), less(a.to.key, b.to.key))
	})
	for changed := true; changed; {
		changed = false
		for _, f := range flows {
			from, to := f.from.find(), f.to.find()
			if (to.waits || to.waitedOn) && !from.waitedOn {
				from.waitedOn, changed = true, true
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
			case from.kept == "" && to.kept != "" && f.sticks(from, to):
				g.keep(from, to.kept)
				changed = true
			}
		}
	}
}

// sticks reports whether from stays with os/exec because to does, though a &x.Cmd would compile: it
// panics if x is nil; what execx has started is not for os/exec to wait for; and what only os/exec
// starts and waits for has nothing of execx.
func (f flow) sticks(from, to *slot) bool {
	switch {
	case from.nilable && !f.param:
		return true
	case to.key.kind == foreignKey: // which waits if nothing here does
		return from.starts && !from.waits
	case !from.starts && !from.waits:
		return true
	case f.param:
		return from.starts && (to.waits || to.waitedOn)
	}
	return from.starts
}
