package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.execx.dev/execxfix/internal/imports"
	"go.execx.dev/execxfix/internal/source"
	"golang.org/x/mod/modfile"
)

// open finds the module that contains dir, and its Go files.
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
			return errors.New("go.mod not found in the current directory or any parent directory")
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
	return r.selectFiles(dir)
}

// notSelected begins the reason for leaving a file that no pattern matches.
const notSelected = "is not matched by "

// selectFiles leaves the files that no pattern matches.
func (r *runner) selectFiles(dir string) error {
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
			return fmt.Errorf("%s matches no Go files in module %s", p, r.tree.Path)
		}
	}
	for _, name := range r.files {
		if !matched[name] {
			r.leave(name, notSelected+strings.Join(r.patterns, " "))
		}
	}
	return nil
}

// selected reports whether a pattern matches the file.
func (r *runner) selected(name string) bool {
	return !strings.HasPrefix(r.left[name], notSelected)
}

// leave leaves the file as it is. The first reason counts.
func (r *runner) leave(name, why string) {
	r.left[name] = cmp.Or(r.left[name], why)
}

// findImports finds the files that import os/exec or execx, and leaves those that are generated or
// import one of them more than once.
func (r *runner) findImports() {
	r.tree.SetOwn(r.files)
	for _, name := range r.files {
		f := r.tree.Parse(name)
		if f.Generated && !r.generated && !r.undo {
			r.leave(name, "is generated")
		}
		if f.AST == nil {
			continue
		}
		osSpecs, execxSpecs := imports.Find(f.AST, imports.OS), imports.Find(f.AST, imports.Execx)
		if len(osSpecs)+len(execxSpecs) > 0 {
			r.using = append(r.using, name)
		}
		if len(osSpecs) > 1 || len(execxSpecs) > 1 {
			r.leave(name, "imports os/exec or execx more than once")
		}
	}
}

// uncommitted returns the lines of git status for the Go files of the module that have uncommitted
// changes.
func (r *runner) uncommitted() string {
	c := exec.Command("git", "status", "--porcelain", "--", "*.go")
	c.Dir = r.tree.Dir
	out, err := c.Output()
	if err != nil {
		return "" // not a work tree
	}
	return strings.TrimRight(string(out), "\n")
}
