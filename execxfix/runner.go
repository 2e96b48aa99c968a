package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"go.execx.dev/execxfix/internal/imports"
	"go.execx.dev/execxfix/internal/source"
	"go.execx.dev/execxfix/internal/swap"
	"go.execx.dev/execxfix/internal/undo"
)

// A runner executes one command line.
type runner struct {
	flags
	patterns       []string
	stdout, stderr io.Writer

	tree   *source.Tree
	files  []string          // all Go files of the module
	using  []string          // files that import os/exec or execx
	left   map[string]string // files left as they are, and why: the predicate of a sentence
	builds []*source.Build
}

func (r *runner) run(dir string) (status int, err error) {
	if err := r.open(dir); err != nil {
		return 2, err
	}
	if !r.dry && !r.force && !r.diagnose {
		if changed := r.uncommitted(); changed != "" {
			return 2, fmt.Errorf("the work tree has uncommitted changes (use -f to continue):\n%s", changed)
		}
	}
	if err := r.load(); err != nil {
		return 2, err
	}
	if r.diagnose {
		return r.diagnoseAll(), nil
	}
	if !r.all && !r.undo {
		r.leaveReapers()
	}
	broken := r.leaveBroken()
	for _, line := range broken {
		fmt.Fprintln(r.stdout, line)
	}
	if len(broken) > 0 {
		status = 1
	}
	if r.undo {
		return r.undoAll(status)
	}
	res := swap.Swap(r.tree, r.builds, swap.Options{API: r.api, Left: r.left})
	r.report(res)
	if len(res.Errors) > 0 {
		r.reportErrors(res.Errors)
		return 1, errors.New("nothing was changed: the result would not compile")
	}
	return status, r.finish(res.Changes)
}

// undoAll replaces execx with os/exec.
func (r *runner) undoAll(status int) (int, error) {
	res := undo.Undo(r.tree, r.builds, r.left)
	r.report(res)
	if len(res.Left) > 0 {
		status = 1
	}
	for _, name := range r.using {
		why := r.left[name]
		if why != "" && r.selected(name) && len(imports.Find(r.tree.Parse(name).AST, imports.Execx)) > 0 {
			fmt.Fprintf(r.stdout, "%s: left: %s\n", r.tree.Rel(name), why)
			status = 1
		}
	}
	if errs := swap.Check(r.tree, r.builds, res.Changes); len(errs) > 0 {
		r.reportErrors(errs)
		status = 1
	}
	return status, r.finish(res.Changes)
}

// reportErrors prints each type error once, even if it occurs on several systems.
func (r *runner) reportErrors(errs []types.Error) {
	printed := make(map[string]bool)
	for _, err := range errs {
		line := fmt.Sprintf("%s: %s", r.tree.Where(err.Pos), err.Msg)
		if !printed[line] {
			printed[line] = true
			fmt.Fprintln(r.stdout, line)
		}
	}
}

// load loads the module for every system that a file importing os/exec or execx is built for.
func (r *runner) load() error {
	r.findImports()
	extra, unmatched := source.ConfigsFor(r.using)
	for _, name := range unmatched {
		r.leave(name, "is not built for any system")
	}
	configs := append(source.Systems(), extra...)
	r.builds = make([]*source.Build, len(configs))
	defer r.progress("")
	for i, config := range configs {
		r.progress("loading packages for %s (%d of %d)", config, i+1, len(configs))
		b, err := r.tree.Load(config, imports.Execx)
		if err != nil && strings.Contains(err.Error(), "updates to go.mod needed") {
			return errors.New("go.mod is incomplete: run go get " + imports.Execx)
		}
		if err != nil {
			return err
		}
		if i == 0 && !b.Has(imports.Execx) {
			return errors.New("the module does not require execx: run go get " + imports.Execx)
		}
		r.builds[i] = b
	}
	return nil
}

// leaveBroken leaves the files that have type errors on every system even without a change. It
// returns a line for each package error that concerns a file importing os/exec or execx.
func (r *runner) leaveBroken() (lines []string) {
	good := make(map[string]bool)
	why := make(map[string]string)
	for _, b := range r.builds {
		for _, p := range b.Packages {
			for _, f := range p.Files {
				if len(p.Errors) == 0 {
					good[f.Name] = true
				} else if why[f.Name] == "" {
					why[f.Name] = fmt.Sprintf("%s: %s", r.tree.Where(p.Errors[0].Pos), p.Errors[0].Msg)
				}
			}
		}
	}
	seen := make(map[string]bool)
	for _, name := range r.files {
		if good[name] || why[name] == "" {
			continue
		}
		r.leave(name, "does not compile as it is")
		if !seen[why[name]] && slices.Contains(r.using, name) {
			seen[why[name]] = true
			lines = append(lines, why[name])
		}
	}
	return lines
}

// report prints a line for each file that is changed and each place that is left.
func (r *runner) report(res *swap.Result) {
	type line struct {
		file string
		pos  int
		text string
	}
	var lines []line
	if !r.dry {
		for _, c := range res.Changes {
			lines = append(lines, line{c.Name, -1, r.tree.Rel(c.Name) + ": changed"})
		}
	}
	for _, l := range res.Left {
		p := r.tree.Fset.Position(l.Pos)
		if !r.selected(p.Filename) {
			continue
		}
		lines = append(lines, line{p.Filename, p.Offset, fmt.Sprintf("%s: left %s: %s", r.tree.Where(l.Pos), l.What, l.Why)})
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.pos, b.pos)) })
	out := r.stdout
	if r.dry {
		out = r.stderr
	}
	for _, l := range lines {
		fmt.Fprintln(out, l.text)
	}
}

// finish writes the changes, or with -n prints them as a diff.
func (r *runner) finish(changes []swap.Change) error {
	if !r.dry {
		return writeAll(changes)
	}
	for _, c := range changes {
		rel := filepath.ToSlash(r.tree.Rel(c.Name))
		if _, err := r.stdout.Write(diff.Diff("a/"+rel, c.Old, "b/"+rel, c.New)); err != nil {
			return err
		}
	}
	return nil
}

// progress shows the current step if standard error is a terminal. An empty format clears it.
func (r *runner) progress(format string, args ...any) {
	f, ok := r.stderr.(*os.File)
	if !ok {
		return
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	fmt.Fprintf(f, "\r\x1b[K"+format, args...)
}
