package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.execx.dev/execxfix/internal/source"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "update the golden files and the table of MIGRATING.md")

// Each archive in testdata holds source files. If execxfix changes a file, the archive also holds
// the result, with .want appended to the name. A file named lines holds the output. All archives of
// a directory are packages of one module, which is loaded only once.
func TestGolden(t *testing.T) {
	for _, test := range []struct {
		dir   string
		flags []string
	}{
		{"swap", nil},
		{"api", []string{"-api"}},
		{"generated", []string{"-generated"}},
		{"all", []string{"-all"}},
	} {
		t.Run(test.dir, func(t *testing.T) {
			t.Parallel()
			golden(t, filepath.Join("testdata", test.dir), test.flags)
		})
	}
}

// golden compares what execxfix does with the archives in dir.
func golden(t *testing.T, dir string, flags []string) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	module := newModule(t)
	before := make(map[string][]byte)
	want := make(map[string][]byte) // changed files
	archives := make(map[string]*txtar.Archive)
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(name), ".txtar")
		archives[base] = ar
		for _, f := range ar.Files {
			file := filepath.Join(module, base, f.Name)
			if f.Name == "lines" {
				continue
			}
			if file, ok := strings.CutSuffix(file, ".want"); ok {
				want[file] = f.Data
				continue
			}
			before[file] = f.Data
			write(t, file, f.Data)
		}
	}
	for file, src := range before {
		if isGo(file) && !bytes.Contains(src, []byte("unformatted")) {
			checkFormat(t, file, src)
		}
	}
	vet(t, module, "before")

	out := fix(t, module, 0, flags...)
	for base, ar := range archives {
		lines := linesOf(out, base)
		if *update {
			updateArchive(t, filepath.Join(dir, base+".txtar"), ar, filepath.Join(module, base), lines)
			continue
		}
		for _, f := range ar.Files {
			if f.Name == "lines" && string(f.Data) != lines {
				t.Errorf("%s: printed\n%swant\n%s", base, lines, f.Data)
			}
		}
	}
	after := make(map[string][]byte)
	for file, src := range before {
		after[file] = read(t, file)
		if *update {
			continue
		}
		if w := want[file]; w != nil {
			src = w
		}
		if !bytes.Equal(after[file], src) {
			t.Errorf("%s is\n%s\nwant\n%s", rel(module, file), after[file], src)
		}
		if isGo(file) && !bytes.Contains(src, []byte("unformatted")) {
			checkFormat(t, file, after[file])
		}
	}
	vet(t, module, "after")

	fix(t, module, 0, flags...)
	for file, src := range after {
		if got := read(t, file); !bytes.Equal(got, src) {
			t.Errorf("%s: a second run changed it to\n%s\nfrom\n%s", rel(module, file), got, src)
		}
	}
	fix(t, module, 0, append(slices.Clone(flags), "-undo")...)
	for file, src := range before {
		if got := read(t, file); !bytes.Equal(got, src) {
			t.Errorf("%s: -undo changed it to\n%s\nwant\n%s", rel(module, file), got, src)
		}
	}
}

// newModule creates a module that requires execx and testdata/foreign, and returns its directory.
func newModule(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), fmt.Appendf(nil, `module fix.test

go 1.26.0

require (
	foreign.test v0.0.0
	go.execx.dev v0.0.0
	golang.org/x/sys v0.49.0 // indirect
)

replace foreign.test => %s

replace go.execx.dev => %s
`, filepath.Join(root, "execxfix", "testdata", "foreign"), root))
	write(t, filepath.Join(dir, "go.sum"), read(t, "../go.sum"))
	return dir
}

// fix runs execxfix in dir, checks its exit status, and returns its output.
func fix(t *testing.T, dir string, status int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(dir, args, &out, &errs); got != status {
		t.Errorf("execxfix %v: status %d, want %d\n%s%s", args, got, status, &out, &errs)
	}
	return out.String()
}

// vet runs go vet on a module for each system.
func vet(t *testing.T, dir, when string) {
	t.Helper()
	for _, config := range source.Systems() {
		c := exec.CommandContext(t.Context(), "go", "vet", "./...")
		c.Dir = dir
		c.Env = append(os.Environ(), "GOOS="+config.OS, "GOARCH="+config.Arch)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("go vet for %s %s: %v\n%s", config, when, err, out)
		}
	}
}

// checkFormat checks that src is formatted as by gofmt.
func checkFormat(t *testing.T, name string, src []byte) {
	t.Helper()
	if formatted, err := format.Source(src); err != nil || !bytes.Equal(formatted, src) {
		t.Errorf("%s is not formatted: %v\n%s", name, err, src)
	}
}

// updateArchive writes an archive with the files of dir as the results and lines as the output.
func updateArchive(t *testing.T, name string, ar *txtar.Archive, dir, lines string) {
	var files []txtar.File
	for _, f := range ar.Files {
		if f.Name == "lines" || strings.HasSuffix(f.Name, ".want") {
			continue
		}
		files = append(files, f)
		if got := read(t, filepath.Join(dir, f.Name)); !bytes.Equal(got, f.Data) {
			files = append(files, txtar.File{Name: f.Name + ".want", Data: got})
		}
	}
	ar.Files = append(files, txtar.File{Name: "lines", Data: []byte(lines)})
	write(t, name, txtar.Format(ar))
}

// linesOf returns the lines of out about files in the directory base, without its name.
func linesOf(out, base string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, base+string(filepath.Separator)); ok {
			b.WriteString(rest)
		}
	}
	return b.String()
}

func isGo(name string) bool { return strings.HasSuffix(name, ".go") }

func rel(dir, name string) string {
	r, _ := filepath.Rel(dir, name)
	return r
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

func isFormatted(src []byte) bool {
	formatted, err := format.Source(src)
	return err == nil && bytes.Equal(formatted, src)
}
