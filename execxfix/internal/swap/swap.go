// Package swap replaces os/exec by execx in the sources of a module.
//
// It decides for each class of declarations that must have the same type whether that is of os/exec
// or of execx. All are of execx but what can't be: see [graph.settle].
package swap

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"

	"go.execx.dev/execxfix/internal/edit"
	"go.execx.dev/execxfix/internal/source"
)

// Options say what is changed.
type Options struct {
	API  bool              // exported API, too
	Left map[string]string // files that are left as they are, and why
}

// A Change is what becomes of a file.
type Change struct {
	Name     string
	Old, New []byte
}

// A Left is a place that stays with os/exec.
type Left struct {
	Pos  token.Pos
	What string // exec.Cmd, say
	Why  string
}

// A Result is what a swap does.
type Result struct {
	Changes []Change
	Left    []Left
	Errors  []types.Error // that there would be, if there is no way without
}

// Swap decides, and checks that the result compiles. Where it would not, what is in the files that
// would have errors is left, too.
func Swap(tree *source.Tree, builds []*source.Build, opts Options) *Result {
	left := maps.Clone(opts.Left)
	if left == nil {
		left = make(map[string]string)
	}
	wholePackages := false
	for {
		r := try(tree, builds, left, opts.API)
		errs := Check(tree, builds, r.Changes)
		if len(errs) == 0 {
			return r
		}
		added := false
		for _, err := range errs {
			name := tree.Fset.Position(err.Pos).Filename
			names := []string{name}
			if wholePackages {
				names = siblings(builds, name)
			}
			for _, name := range names {
				if left[name] == "" {
					left[name] = "would not compile: " + err.Msg
					added = true
				}
			}
		}
		if !added && wholePackages {
			return &Result{Left: r.Left, Errors: errs}
		}
		wholePackages = wholePackages || !added
	}
}

func siblings(builds []*source.Build, name string) []string {
	var names []string
	for _, b := range builds {
		for _, p := range b.Packages {
			if slices.ContainsFunc(p.Files, func(f *source.File) bool { return f.Name == name }) {
				for _, f := range p.Files {
					names = append(names, f.Name)
				}
			}
		}
	}
	return names
}

// Check returns the errors that packages have with the overlay, and have not without.
func Check(tree *source.Tree, builds []*source.Build, changes []Change) []types.Error {
	overlay := make(map[string]*source.File)
	for _, c := range changes {
		overlay[c.Name] = tree.Overlay(c.Name, c.New)
	}
	var errs []types.Error
	for _, b := range builds {
		before := make(map[string]int)
		for _, p := range b.Packages {
			for _, err := range p.Errors {
				before[p.ID+" "+err.Msg]++
			}
		}
		for _, p := range b.Check(tree, overlay) {
			for _, err := range p.Errors {
				if before[p.ID+" "+err.Msg]--; before[p.ID+" "+err.Msg] < 0 {
					errs = append(errs, err)
				}
			}
		}
	}
	return errs
}

func try(tree *source.Tree, builds []*source.Build, left map[string]string, api bool) *Result {
	w := &walker{
		tree: tree, left: left, g: newGraph(),
		sites: make(map[token.Pos]*site),
		meets: make(map[ast.Expr]*meeting),
		lits:  make(map[*ast.CompositeLit]*literal),
		uses:  make(map[*source.File]map[token.Pos]*ast.Ident),

		packageNames: make(map[*source.File][]string),
	}
	for _, b := range builds {
		names := execxNames(b)
		for _, p := range b.Packages {
			w.walkPackage(p)
			w.embeddings(names)
			if !api && p.Importable() {
				w.exported()
			}
		}
		w.foreignInterfaces(b)
	}
	if len(w.unboxed) > 0 {
		dynamic := w.g.slot(key{dynamicKey, 0})
		for _, s := range append(w.boxed, w.unboxed...) {
			w.g.unite(dynamic, s)
		}
	}
	w.g.settle()
	return w.result()
}

func (s *slot) stays() string { return s.find().kept }

// A change collects what is to be done to a file.
type change struct {
	file    *source.File
	osSites []*site
	sites   []*site // that are of execx from now
	lits    []*ast.CompositeLit
	meets   []*meeting
	neutral []*ast.Ident // what is the same in both packages
}

func (w *walker) result() *Result {
	r := &Result{}
	changes := make(map[*source.File]*change)
	of := func(f *source.File) *change {
		if changes[f] == nil {
			changes[f] = &change{file: f}
		}
		return changes[f]
	}
	for _, s := range w.sites {
		c := of(s.file)
		if why := s.slot.stays(); why != "" {
			c.osSites = append(c.osSites, s)
			if why != swapped {
				r.Left = append(r.Left, Left{s.id.Pos(), "exec." + s.id.Name, why})
			}
		} else {
			c.sites = append(c.sites, s)
		}
	}
	for lit, l := range w.lits {
		if len(lit.Elts) > 0 && l.slot != nil && l.slot.stays() == "" {
			of(l.file).lits = append(of(l.file).lits, lit)
		}
	}
	for _, m := range w.meets {
		if m.from.stays() == "" && m.to.stays() != "" {
			of(m.file).meets = append(of(m.file).meets, m)
		}
	}
	for f, ids := range w.uses {
		of(f).neutral = slices.Collect(maps.Values(ids))
	}
	for f, c := range changes {
		if w.left[f.Name] != "" {
			continue
		}
		if edits := w.edits(c); len(edits) > 0 {
			if src := edit.Apply(f.Src, edits); string(src) != string(f.Src) {
				r.Changes = append(r.Changes, Change{f.Name, f.Src, src})
			}
		}
	}
	slices.SortFunc(r.Changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Left, func(a, b Left) int {
		p, q := w.tree.Fset.Position(a.Pos), w.tree.Fset.Position(b.Pos)
		return cmp.Or(cmp.Compare(p.Filename, q.Filename), cmp.Compare(p.Offset, q.Offset))
	})
	return r
}
