package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.execx.dev/execxfix/diagnose"
	"go.execx.dev/execxfix/internal/source"
)

// diagnoseAll prints what types do not show, and returns the exit status.
func (r *runner) diagnoseAll() int {
	lines := make(map[string]bool)
	r.findings(func(p *source.Package, f *source.File, found diagnose.Finding) {
		if !r.patternLeaves(f.Name) {
			lines[fmt.Sprintf("%s: %s", r.tree.Where(found.Pos), found.Message)] = true
		}
	})
	sorted := make([]string, 0, len(lines))
	for line := range lines {
		sorted = append(sorted, line)
	}
	slices.Sort(sorted)
	for _, line := range sorted {
		fmt.Fprintln(r.stdout, line)
	}
	return min(len(sorted), 1)
}

// leaveReapers leaves the packages that reap or trace processes by themselves.
func (r *runner) leaveReapers() {
	r.findings(func(p *source.Package, f *source.File, found diagnose.Finding) {
		if !found.Stays() {
			return
		}
		why := fmt.Sprintf("its package reaps or traces by itself, at %s (see -diagnose, -all)", r.tree.Where(found.Pos))
		if strings.HasSuffix(f.Name, "_test.go") {
			r.left[f.Name] = cmp.Or(r.left[f.Name], why)
			return
		}
		for _, name := range r.files { // those for other systems, too
			if filepath.Dir(name) == filepath.Dir(f.Name) {
				r.left[name] = cmp.Or(r.left[name], why)
			}
		}
	})
}

// findings calls f for what package diagnose finds in the files of the module.
func (r *runner) findings(f func(*source.Package, *source.File, diagnose.Finding)) {
	for _, b := range r.builds {
		for _, p := range b.Packages {
			for _, found := range diagnose.Check(r.tree.Fset, p.Syntax(), p.Types, p.Info) {
				if file := r.tree.FileOf(found.Pos); file != nil && file.Own {
					f(p, file, found)
				}
			}
		}
	}
}
