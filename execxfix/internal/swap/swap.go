// Package swap replaces os/exec with execx in the source code of a module.
//
// It groups declarations that must have the same type into classes, and decides for each class
// whether it uses os/exec or execx. A class uses execx unless something keeps it, that is, leaves
// it with os/exec; see [graph.propagate].
package swap

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"

	"go.execx.dev/execxfix/internal/edit"
	"go.execx.dev/execxfix/internal/imports"
	"go.execx.dev/execxfix/internal/source"
)

// Options select what Swap changes.
type Options struct {
	API  bool              // also change exported API
	Left map[string]string // files to leave as they are, and why: the predicate of a sentence
}

// A Change is the old and the new content of a file.
type Change struct {
	Name     string
	Old, New []byte
}

// A Left is a place that stays with os/exec.
type Left struct {
	Pos  token.Pos
	What string // such as exec.Cmd
	Why  string
}

// A Result holds the changes, and the places that stay with os/exec. If every attempt would cause
// type errors, there are no changes, and Errors holds those of the last attempt.
type Result struct {
	Changes []Change
	Left    []Left
	Errors  []types.Error
}

// Swap returns the changes to the module. It checks that the result compiles. If it does not, Swap
// also leaves the files with errors, and then their packages.
func Swap(tree *source.Tree, builds []*source.Build, opts Options) *Result {
	left := maps.Clone(opts.Left)
	if left == nil {
		left = make(map[string]string)
	}
	refused := make(map[string]error)
	wholePackages := false
	for {
		r := try(tree, builds, left, refused, opts.API)
		if r == nil {
			continue
		}
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

// siblings returns the files of the packages that contain the file.
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

// Check returns the type errors that the changes cause.
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

// try returns the result if the files in left stay as they are. If the imports of other files
// cannot be rewritten, try adds those files to left and refused, and returns nil.
func try(tree *source.Tree, builds []*source.Build, left map[string]string, refused map[string]error, api bool) *Result {
	w := &walker{
		tree: tree, left: left, refused: refused, g: newGraph(),
		sites:       make(map[token.Pos]*site),
		conversions: make(map[ast.Expr]*conversion),
		lits:        make(map[*ast.CompositeLit]*literal),
		uses:        make(map[*source.File]map[token.Pos]*ast.Ident),

		packageNames: make(map[*source.File][]string),
	}
	for _, b := range builds {
		names := execxNames(b)
		for _, p := range b.Packages {
			w.walkPackage(p)
			w.keepEmbedded(names)
			if !api && p.Importable() {
				w.keepExported()
			}
		}
		w.keepImplementations(b)
	}
	if len(w.unboxed) > 0 {
		dynamic := w.g.slot(key{dynamicKey, 0})
		for _, s := range append(w.boxed, w.unboxed...) {
			w.g.unify(dynamic, s)
		}
	}
	w.g.propagate()
	return w.result()
}

// stays returns why the class of s stays with os/exec, or "".
func (s *slot) stays() string { return s.find().kept }

// A change collects what changes in a file.
type change struct {
	file        *source.File
	osSites     []*site // sites that stay with os/exec
	sites       []*site // sites that change to execx
	lits        []*ast.CompositeLit
	conversions []*conversion
	neutral     []*ast.Ident // other uses of os/exec, which mean the same in execx
}

// result returns the result, or nil if it has to leave more files.
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
			if why != partOfExecx {
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
	for _, conv := range w.conversions {
		if conv.from.stays() == "" && conv.to.stays() != "" {
			of(conv.file).conversions = append(of(conv.file).conversions, conv)
		}
	}
	for f, ids := range w.uses {
		of(f).neutral = slices.Collect(maps.Values(ids))
	}
	again := false
	for f, c := range changes {
		if w.left[f.Name] != "" {
			if err := w.refused[f.Name]; err != nil && len(c.osSites) == 0 {
				at := f.AST.Package
				if specs := imports.Find(f.AST, imports.OS); len(specs) > 0 {
					at = specs[0].Pos()
				}
				r.Left = append(r.Left, Left{at, "import", err.Error()})
			}
			continue
		}
		edits, err := w.edits(c)
		if err != nil {
			w.refused[f.Name] = err
			w.left[f.Name] = "cannot be rewritten: " + err.Error()
			again = true
			continue
		}
		if src := edit.Apply(f.Src, edits); string(src) != string(f.Src) {
			r.Changes = append(r.Changes, Change{f.Name, f.Src, src})
		}
	}
	if again {
		return nil
	}
	slices.SortFunc(r.Changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(r.Left, func(a, b Left) int {
		p, q := w.tree.Fset.Position(a.Pos), w.tree.Fset.Position(b.Pos)
		return cmp.Or(cmp.Compare(p.Filename, q.Filename), cmp.Compare(p.Offset, q.Offset))
	})
	return r
}
