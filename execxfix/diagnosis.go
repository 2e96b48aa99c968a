package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.execx.dev/execxfix/diagnose"
	"go.execx.dev/execxfix/internal/source"
)

// diagnoseAll prints the findings of package diagnose and returns the exit status.
func (r *runner) diagnoseAll() int {
	lines := make(map[string]bool)
	r.findings(func(f *source.File, found diagnose.Finding) {
		if r.selected(f.Name) {
			lines[fmt.Sprintf("%s: %s", r.tree.Where(found.Pos), found.Message)] = true
		}
	})
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintln(r.stdout, line)
	}
	return min(len(lines), 1)
}

// leaveReapers leaves the packages that reap or trace processes themselves.
func (r *runner) leaveReapers() {
	r.findings(func(f *source.File, found diagnose.Finding) {
		if !found.Stays() {
			return
		}
		why := fmt.Sprintf("is in a package that reaps or traces processes itself, at %s (see -diagnose and -all)", r.tree.Where(found.Pos))
		if strings.HasSuffix(f.Name, "_test.go") {
			r.leave(f.Name, why)
			return
		}
		for _, name := range r.files { // including files for other systems
			if filepath.Dir(name) == filepath.Dir(f.Name) {
				r.leave(name, why)
			}
		}
	})
}

// findings calls f for each finding of package diagnose in the files of the module.
func (r *runner) findings(f func(*source.File, diagnose.Finding)) {
	for _, b := range r.builds {
		for _, p := range b.Packages {
			for _, found := range diagnose.Check(r.tree.Fset, p.Syntax(), p.Types, p.Info) {
				if file := r.tree.FileOf(found.Pos); file != nil && file.Own {
					f(file, found)
				}
			}
		}
	}
}
