package main

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

var cache = flag.Bool("cache", false, "swap all modules of the module cache that import os/exec; -run TestCache/NAME is for some")

// TestCache swaps whatever the module cache happens to have. What does not compile by itself, for want
// of what it imports, is left; the rest has to compile.
func TestCache(t *testing.T) {
	if !*cache {
		t.Skip("takes -cache")
	}
	out, err := goCommand(t, t.TempDir(), "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	var dirs []string
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case name == filepath.Join(root, "cache"):
			return fs.SkipDir
		case strings.Contains(d.Name(), "@"):
			if importsExec(name) {
				dirs = append(dirs, name)
			}
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		escaped, version, _ := strings.Cut(filepath.ToSlash(rel(root, dir)), "@")
		path, err := module.UnescapePath(escaped)
		if err != nil || strings.HasPrefix(path, "golang.org/toolchain") {
			continue
		}
		t.Run(strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			dir := download(t, path, version)
			before := contents(t, dir)
			errors := typeErrors(t, dir)
			for _, flags := range [][]string{{"-all", "-generated"}, {"-all", "-generated", "-api"}} {
				var out, errs bytes.Buffer
				status := run(dir, flags, &out, &errs)
				if status > 1 || strings.Contains(errs.String(), "it would not compile") {
					t.Fatalf("execxfix %v: status %d\n%s%s", flags, status, &out, &errs)
				}
				t.Logf("%d files changed, %d places left", strings.Count(out.String(), ": changed\n"), strings.Count(out.String(), ": left "))
				for config, n := range typeErrors(t, dir) {
					if n > errors[config] {
						t.Errorf("%s: %d type errors, %d before", config, n, errors[config])
					}
				}
				run(dir, []string{"-undo", "-f"}, &out, &errs)
				for name, src := range contents(t, dir) {
					if !bytes.Equal(src, before[name]) {
						t.Errorf("-undo has changed %s", rel(dir, name))
					}
				}
			}
		})
	}
}

func importsExec(dir string) (found bool) {
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !found && isGo(name) && d.Type().IsRegular() {
			src, _ := os.ReadFile(name)
			found = bytes.Contains(src, []byte(`"os/exec"`))
		}
		return nil
	})
	return found
}
