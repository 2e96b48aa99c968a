package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"go.execx.dev/execxfix/internal/imports"
	"go.execx.dev/execxfix/internal/source"
	"go.execx.dev/execxfix/internal/swap"
	"go.execx.dev/execxfix/internal/undo"
	"golang.org/x/mod/modfile"
)

// A runner does what the command line says.
type runner struct {
	flags
	patterns       []string
	stdout, stderr io.Writer

	tree   *source.Tree
	files  []string // of the module
	using  []string // those that import os/exec or execx
	left   map[string]string
	builds []*source.Build
}

func (r *runner) run(dir string) (status int, err error) {
	if err := r.open(dir); err != nil {
		return 2, err
	}
	if !r.dry && !r.force && !r.diagnose {
		if changed := r.uncommitted(); changed != "" {
			return 2, fmt.Errorf("the work tree has changes that are not committed (go on with -f):\n%s", changed)
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
	broken := r.broken()
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
		for _, err := range res.Errors {
			fmt.Fprintf(r.stdout, "%s: %s\n", r.tree.Where(err.Pos), err.Msg)
		}
		return 1, errors.New("nothing was changed, as it would not compile")
	}
	return status, r.finish(res.Changes)
}

// undoAll replaces execx by os/exec.
func (r *runner) undoAll(status int) (int, error) {
	res := undo.Undo(r.tree, r.builds, r.left)
	r.report(res)
	for _, name := range r.using {
		why := r.left[name]
		if why != "" && !r.patternLeaves(name) && len(imports.Find(r.tree.Parse(name).AST, imports.Execx)) > 0 {
			fmt.Fprintf(r.stdout, "%s: left: %s\n", r.tree.Rel(name), why)
			status = 1
		}
	}
	for _, err := range swap.Check(r.tree, r.builds, res.Changes) {
		fmt.Fprintf(r.stdout, "%s: %s\n", r.tree.Where(err.Pos), err.Msg)
		status = 1
	}
	return status, r.finish(res.Changes)
}

// open finds the module and its files.
func (r *runner) open(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	root := dir
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			return errors.New("there is no go.mod here or in a parent directory")
		}
		root = filepath.Dir(root)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	path := modfile.ModulePath(mod)
	if path == "" {
		return errors.New("no module path in go.mod")
	}
	r.tree = source.NewTree(root, path)
	if r.files, err = r.tree.Files(); err != nil {
		return err
	}
	r.left = make(map[string]string)
	return r.selected(dir)
}

// selected leaves the files that the patterns do not match.
func (r *runner) selected(dir string) error {
	if len(r.patterns) == 0 {
		r.patterns = []string{"./..."}
	}
	matched := make(map[string]bool)
	for _, p := range r.patterns {
		prefix, all := strings.CutSuffix(p, "...")
		if !filepath.IsAbs(prefix) && prefix != "." && prefix != ".." && !strings.HasPrefix(prefix, "./") && !strings.HasPrefix(prefix, "../") {
			return fmt.Errorf("%s is neither ./... nor a directory", p)
		}
		at := prefix
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, prefix)
		}
		if info, err := os.Stat(at); err != nil || !info.IsDir() {
			return fmt.Errorf("%s is not a directory", p)
		}
		found := false
		for _, name := range r.files {
			in := filepath.Dir(name) == at
			if all {
				in = strings.HasPrefix(name, strings.TrimSuffix(at, string(filepath.Separator))+string(filepath.Separator))
			}
			if in {
				matched[name], found = true, true
			}
		}
		if !found {
			return fmt.Errorf("%s matches no Go files of module %s", p, r.tree.Path)
		}
	}
	for _, name := range r.files {
		if !matched[name] {
			r.left[name] = "not among " + strings.Join(r.patterns, " ")
		}
	}
	return nil
}

// uncommitted returns what git says of the Go files of the module that are changed.
func (r *runner) uncommitted() string {
	c := exec.Command("git", "status", "--porcelain", "--", "*.go")
	c.Dir = r.tree.Dir
	out, err := c.Output()
	if err != nil {
		return "" // no work tree
	}
	return strings.TrimRight(string(out), "\n")
}

// load loads the module for all systems that its files that import os/exec are built for.
func (r *runner) load() error {
	r.tree.Own(r.files)
	for _, name := range r.files {
		f := r.tree.Parse(name)
		if f.Generated && !r.generated && !r.undo {
			r.left[name] = cmp.Or(r.left[name], "is generated")
		}
		if f.AST == nil {
			continue
		}
		osSpecs, execxSpecs := imports.Find(f.AST, imports.OS), imports.Find(f.AST, imports.Execx)
		if len(osSpecs)+len(execxSpecs) > 0 {
			r.using = append(r.using, name)
		}
		if len(osSpecs) > 1 || len(execxSpecs) > 1 {
			r.left[name] = cmp.Or(r.left[name], "imports os/exec or execx more than once")
		}
	}
	extra, none := source.ConfigsFor(r.using)
	for _, name := range none {
		r.left[name] = cmp.Or(r.left[name], "is not built for any system")
	}
	configs := append(source.Systems(), extra...)
	r.builds = make([]*source.Build, len(configs))
	defer r.progress("")
	for i, config := range configs {
		r.progress("loading packages for %s (%d of %d)", config, i+1, len(configs))
		b, err := r.tree.Load(config, imports.Execx)
		if err != nil {
			return err
		}
		if i == 0 && !b.Has(imports.Execx) {
			return errors.New("the module does not require execx: go get " + imports.Execx)
		}
		r.builds[i] = b
	}
	return nil
}

// broken leaves the files that have type errors already, on all systems, and says which of those
// that would be changed do.
func (r *runner) broken() (lines []string) {
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
	said := make(map[string]bool)
	for _, name := range r.files {
		if good[name] || why[name] == "" {
			continue
		}
		r.left[name] = cmp.Or(r.left[name], "does not compile as it is")
		if !said[why[name]] && slices.Contains(r.using, name) {
			said[why[name]] = true
			lines = append(lines, why[name])
		}
	}
	return lines
}

// report prints what is changed and what is left.
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
		if r.patternLeaves(p.Filename) {
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

func (r *runner) patternLeaves(name string) bool {
	return strings.HasPrefix(r.left[name], "not among ")
}

// finish writes the changes, or prints them.
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

// progress says what is being done, on a terminal. An empty text ends it.
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
