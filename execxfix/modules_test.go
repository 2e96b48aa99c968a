package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.execx.dev/execxfix/internal/source"
)

var modules = flag.Bool("modules", false, "swap real modules, which needs the network and takes about an hour; -run TestModules/NAME selects one")

// realModules are the modules that TestModules swaps without a manual edit.
var realModules = []struct {
	name, path, version string
	tests               []string // packages whose tests are run before and after the swap
}{
	{"sh", "mvdan.cc/sh/v3", "v3.14.1", []string{"./..."}},
	{"pty", "github.com/creack/pty", "v1.1.24", []string{"./..."}},
	{"script", "github.com/bitfield/script", "v0.25.2", []string{"./..."}},
	{"go-plugin", "github.com/hashicorp/go-plugin", "v1.8.0", []string{"./..."}},
	{"mcp-go", "github.com/mark3labs/mcp-go", "v1.2.1", []string{"./..."}},
	{"lefthook", "github.com/evilmartians/lefthook", "v1.13.6", nil},
	{"runc", "github.com/opencontainers/runc", "v1.5.2", nil},
	{"tools", "golang.org/x/tools", "v0.52.0", nil},
	{"buildkit", "github.com/moby/buildkit", "v0.34.2", nil},
	{"containerd", "github.com/containerd/containerd/v2", "v2.4.2", nil},
}

func TestModules(t *testing.T) {
	if !*modules {
		t.Skip("needs -modules")
	}
	for _, m := range realModules {
		t.Run(m.name, func(t *testing.T) {
			dir, err := download(t, m.path, m.version)
			if err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			row := fmt.Sprintf("| %s %s |", m.path, m.version)

			changed, left := swapModule(t, dir, before, flags{})
			row += fmt.Sprintf(" %d | %d |", changed, left)
			undoModule(t, dir, before)

			var passed, passedAfter map[string]bool
			if m.tests != nil {
				passed = goTest(t, dir, m.tests...)
			}
			changed, left = swapModule(t, dir, before, flags{api: true})
			row += fmt.Sprintf(" %d | %d |", changed, left)
			if m.tests != nil {
				passedAfter = goTest(t, dir, m.tests...)
				for name := range passed {
					if !passedAfter[name] && !passesAgain(t, dir, name) {
						t.Errorf("%s passed before", name)
					}
				}
				row += fmt.Sprintf(" %d | %d |", len(passed), len(passedAfter))
			} else {
				row += " | |"
			}
			undoModule(t, dir, before)
			if *update && !t.Failed() {
				updateRow(t, m.path, row)
			}
		})
	}
}

// swapModule swaps a module and returns the number of changed files and the number of places left.
func swapModule(t *testing.T, dir string, before map[string][]byte, f flags) (changed, left int) {
	t.Helper()
	start := time.Now()
	out, errorsBefore := fixModule(t, dir, f)
	t.Logf("execxfix took %v with %+v\n%s", time.Since(start).Round(100*time.Millisecond), f, out)
	checkLeft(t, out)
	for name, src := range contents(t, dir) {
		if old := before[name]; !bytes.Equal(old, src) {
			changed++
			if isFormatted(old) {
				checkFormat(t, name, src)
			}
		}
	}
	f.dry = true
	again, errorsAfter := fixModule(t, dir, f)
	if again != "" {
		t.Errorf("a second run would change\n%s", again)
	}
	compareErrors(t, errorsBefore, errorsAfter)
	return changed, strings.Count(out, ": left ")
}

// fixModule runs execxfix, which must exit with status 0, and returns its output and the number of
// type errors that the module had before, for each system.
func fixModule(t *testing.T, dir string, f flags) (out string, typeErrors map[string]int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	r := &runner{flags: f, stdout: &stdout, stderr: &stderr}
	if status, err := r.run(dir); status != 0 || err != nil {
		t.Errorf("execxfix with %+v: status %d, %v\n%s%s", f, status, err, &stdout, &stderr)
	}
	return stdout.String(), countErrors(r.builds)
}

// countErrors returns the number of type errors for each system.
func countErrors(builds []*source.Build) map[string]int {
	n := make(map[string]int)
	for _, b := range builds {
		for _, p := range b.Packages {
			n[b.Config.String()] += len(p.Errors)
		}
	}
	return n
}

// compareErrors checks that there are no more type errors than before.
func compareErrors(t *testing.T, before, after map[string]int) {
	t.Helper()
	for config, n := range after {
		if n > before[config] {
			t.Errorf("%s: %d type errors, %d before", config, n, before[config])
		}
	}
}

// checkLeft checks that every place is left because of a rule, and none only because of a type
// error.
func checkLeft(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.Contains(line, " would not compile: ") {
			t.Error(line)
		}
	}
}

// undoModule undoes the swap and checks that it restores all files.
func undoModule(t *testing.T, dir string, before map[string][]byte) {
	t.Helper()
	fix(t, dir, 0, "-undo")
	for name, src := range contents(t, dir) {
		if !bytes.Equal(src, before[name]) {
			t.Errorf("-undo changed %s", rel(dir, name))
		}
	}
}

// download copies a module to a temporary directory and makes it require execx.
func download(t *testing.T, path, version string) (string, error) {
	t.Helper()
	t.Setenv("GOWORK", "off") // some modules contain a go.work
	var info struct{ Dir, Error string }
	out, err := goCommand(t, t.TempDir(), "mod", "download", "-json", path+"@"+version).Output()
	if err := json.Unmarshal(out, &info); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		return "", fmt.Errorf("go mod download: %w\n%s", err, info.Error)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(info.Dir)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		return os.Chmod(name, info.Mode().Perm()|0o200)
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"mod", "edit", "-go=1.26.0", "-replace=go.execx.dev=" + root, "-require=go.execx.dev@v0.0.0"},
		{"list", "-e", "-deps", "-test", "./...", "go.execx.dev/execx"}, // completes go.sum
		{"get", "go.execx.dev/execx"},
	} {
		c := goCommand(t, dir, args...)
		if args[0] == "get" { // do not look for a module with the path of the package
			c.Env = append(c.Env, "GOPROXY=off")
		}
		if out, err := c.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return dir, nil
}

// goCommand returns a go command that runs in dir and may update go.mod.
func goCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	return c
}

// contents returns the content of all Go files in dir, by name.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isGo(name) {
			files[name] = read(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// goTest runs go test and returns the names of the tests that pass. Tests that run go build use the
// user's build cache: the tests of mcp-go use an empty one each, which would take an hour.
func goTest(t *testing.T, dir string, args ...string) map[string]bool {
	t.Helper()
	out, err := goCommand(t, dir, "env", "GOCACHE", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Fields(string(out))
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nGOCACHE=%s exec %s/bin/go \"$@\"\n", env[0], env[1])
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"test", "-json", "-timeout=30m", "-exec=env PATH=" + bin + ":" + os.Getenv("PATH")}, args...)
	c := goCommand(t, dir, args...)
	out, err = c.Output()
	t.Logf("go test: %v", err)
	passed := make(map[string]bool)
	for line := range bytes.Lines(out) {
		var e struct{ Action, Package, Test string }
		if json.Unmarshal(line, &e) == nil && e.Action == "pass" && e.Test != "" {
			passed[e.Package+" "+e.Test] = true
		}
	}
	return passed
}

// passesAgain runs a test that failed once more and reports whether it passes. Some tests are
// flaky.
func passesAgain(t *testing.T, dir, name string) bool {
	t.Helper()
	pkg, test, _ := strings.Cut(name, " ")
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	t.Logf("%s failed; running it again", name)
	return goTest(t, dir, "-count=1", "-run", strings.Join(parts, "/"), pkg)[name]
}

const tableHead = "| module | files changed | places left | changed with `-api` | left with `-api` | passed before | passed after |\n| --- | --- | --- | --- | --- | --- | --- |\n"

// updateRow updates the row of a module in the table of MIGRATING.md.
func updateRow(t *testing.T, path, row string) {
	t.Helper()
	const name = "../MIGRATING.md"
	head, rest, ok := strings.Cut(string(read(t, name)), tableHead)
	if !ok {
		t.Fatal("MIGRATING.md has no table")
	}
	rows := make(map[string]string)
	for strings.HasPrefix(rest, "|") {
		var old string
		old, rest, _ = strings.Cut(rest, "\n")
		rows[strings.Fields(old)[1]] = old + "\n"
	}
	rows[path] = row + "\n"
	text := head + tableHead
	for _, m := range realModules {
		text += rows[m.path]
	}
	write(t, name, []byte(text+rest))
}
