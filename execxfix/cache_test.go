package main

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.execx.dev/execxfix/internal/source"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

var cache = flag.Bool("cache", false, "swap every module in the module cache that imports os/exec; GOPROXY=off skips those with missing dependencies; -run TestCache/NAME selects some")

// TestCache swaps the latest version of each module in the module cache that imports os/exec. It
// leaves packages that do not compile because of missing dependencies. All others must still
// compile.
func TestCache(t *testing.T) {
	if !*cache {
		t.Skip("needs -cache")
	}
	out, err := goCommand(t, t.TempDir(), "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	versions := make(map[string]string) // by module path
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case name == filepath.Join(root, "cache"):
			return fs.SkipDir
		case strings.Contains(d.Name(), "@"):
			escaped, version, _ := strings.Cut(filepath.ToSlash(rel(root, name)), "@")
			path, err := module.UnescapePath(escaped)
			if err == nil && !strings.HasPrefix(path, "golang.org/toolchain") && semver.Compare(version, versions[path]) > 0 && importsExec(t, name) {
				versions[path] = version
			}
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(versions, "golang.org/x/sys") // execx requires it
	for _, path := range slices.Sorted(maps.Keys(versions)) {
		t.Run(strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			dir, err := download(t, path, versions[path])
			if err != nil {
				t.Skip(err)
			}
			before := contents(t, dir)
			for _, f := range []flags{{all: true, generated: true}, {all: true, generated: true, api: true}} {
				var out, errs bytes.Buffer
				r := &runner{flags: f, stdout: &out, stderr: &errs}
				if status, err := r.run(dir); status > 1 || err != nil {
					t.Fatalf("execxfix with %+v: status %d, %v\n%s%s", f, status, err, &out, &errs)
				}
				checkLeft(t, out.String())
				t.Logf("%d files changed, %d places left", strings.Count(out.String(), ": changed\n"), strings.Count(out.String(), ": left "))
				f.dry = true
				again := &runner{flags: f, stdout: &out, stderr: &errs}
				again.run(dir)
				compareErrors(t, countErrors(r.builds), countErrors(again.builds))
				run(dir, []string{"-undo", "-f"}, &out, &errs)
				for name, src := range contents(t, dir) {
					if !bytes.Equal(src, before[name]) {
						t.Errorf("-undo changed %s", rel(dir, name))
					}
				}
			}
		})
	}
}

// importsExec reports whether the module in dir has a file that imports os/exec and is built for
// some system.
func importsExec(t *testing.T, dir string) bool {
	t.Helper()
	names, err := source.NewTree(dir, "").Files()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		if !bytes.Contains(read(t, name), []byte(`"os/exec"`)) {
			return false
		}
		_, unmatched := source.ConfigsFor([]string{name})
		return len(unmatched) == 0
	})
}
