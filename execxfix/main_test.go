package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.execx.dev/execxfix/internal/swap"
)

// source1 is a program that uses os/exec.
const source1 = "package main\n\nimport \"os/exec\"\n\nfunc main() { exec.Command(\"a\").Run() }\n"

// newProgram creates a module with source1 as its only file.
func newProgram(t *testing.T) (dir, file string) {
	t.Helper()
	dir = newModule(t)
	file = filepath.Join(dir, "main.go")
	write(t, file, []byte(source1))
	return dir, file
}

func TestDryRun(t *testing.T) {
	dir, file := newProgram(t)
	want := `diff a/main.go b/main.go
--- a/main.go
+++ b/main.go
@@ -1,5 +1,5 @@
 package main
` + " " + `
-import "os/exec"
+import exec "go.execx.dev/execx"
` + " " + `
 func main() { exec.Command("a").Run() }
`
	if got := fix(t, dir, 0, "-n", "./..."); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	if got := read(t, file); string(got) != source1 {
		t.Errorf("-n changed the file to\n%s", got)
	}
}

// Execxfix refuses to change a work tree with uncommitted changes, unless -f is set.
func TestWorkTree(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir, file := newProgram(t)
	git := func(args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-C", dir}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "a")
	edited := strings.Replace(source1, "\"a\"", "\"b\"", 1)
	write(t, file, []byte(edited))
	fix(t, dir, 2)
	if got := read(t, file); string(got) != edited {
		t.Errorf("changed without -f to\n%s", got)
	}
	if got := fix(t, dir, 0, "-f"); got != "main.go: changed\n" {
		t.Errorf("printed %q", got)
	}
	fix(t, dir, 2, "-undo")
	fix(t, dir, 0, "-undo", "-f")
	if got := read(t, file); string(got) != edited {
		t.Errorf("-undo changed it to\n%s", got)
	}
	git("commit", "-qam", "b")
	fix(t, dir, 0)
}

func TestMisuse(t *testing.T) {
	dir, file := newProgram(t)
	for _, args := range [][]string{
		{"-unknown"}, {"./missing"}, {"example.com/path"}, {"./main.go"},
	} {
		fix(t, dir, 2, args...)
	}
	fix(t, t.TempDir(), 2) // no go.mod
	mod := string(read(t, filepath.Join(dir, "go.mod")))
	write(t, filepath.Join(dir, "go.mod"), []byte("module fix.test\n\ngo 1.26.0\n"))
	fix(t, dir, 2) // does not require execx
	write(t, filepath.Join(dir, "go.mod"), []byte(strings.Replace(mod, "go 1.26.0", "go 1.21", 1)))
	var stdout, stderr bytes.Buffer
	if status := run(dir, nil, &stdout, &stderr); status != 2 || !strings.Contains(stderr.String(), "go get go.execx.dev/execx") {
		t.Errorf("status %d with an older version of Go in go.mod\n%s", status, &stderr)
	}
	if got := read(t, file); string(got) != source1 {
		t.Errorf("changed to\n%s", got)
	}
}

func TestPatterns(t *testing.T) {
	dir, file := newProgram(t)
	other := filepath.Join(dir, "internal", "other", "other.go")
	write(t, other, []byte("package other\n\nimport \"os/exec\"\n\nfunc f() *exec.Cmd { return exec.Command(\"a\") }\n"))
	before := read(t, other)
	fix(t, dir, 0, ".")
	if got := read(t, other); !bytes.Equal(got, before) {
		t.Errorf("a file that no pattern matches was changed to\n%s", got)
	}
	if got := read(t, file); string(got) == source1 {
		t.Error("not changed")
	}
	if got := fix(t, filepath.Dir(other), 0, "./..."); got != filepath.Join("internal", "other", "other.go")+": changed\n" {
		t.Errorf("printed %q", got)
	}
}

// A package that does not compile is left, and the exit status is 1.
func TestBroken(t *testing.T) {
	dir, file := newProgram(t)
	broken := filepath.Join(dir, "internal", "broken", "broken.go")
	write(t, broken, []byte("package broken\n\nimport \"os/exec\"\n\nvar c *exec.Cmd = undefined\n"))
	before := read(t, broken)
	out := fix(t, dir, 1)
	if !strings.Contains(out, "broken.go:5:19: undefined: undefined\n") || !strings.Contains(out, "does not compile as it is") {
		t.Errorf("printed\n%s", out)
	}
	if got := read(t, broken); !bytes.Equal(got, before) {
		t.Errorf("changed to\n%s", got)
	}
	if got := read(t, file); string(got) == source1 {
		t.Error("the other package is not changed")
	}
}

// WriteAll writes all files or none.
func TestWriteAll(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.go"), filepath.Join(dir, "missing", "b.go")
	write(t, a, []byte("old"))
	if err := os.Chmod(a, 0o755); err != nil {
		t.Fatal(err)
	}
	changes := []swap.Change{{Name: a, Old: []byte("old"), New: []byte("new")}, {Name: b, New: []byte("new")}}
	if err := writeAll(changes); err == nil {
		t.Fatal("wrote into a missing directory")
	}
	if got := read(t, a); string(got) != "old" {
		t.Errorf("a.go is %q", got)
	}
	if err := writeAll(changes[:1]); err != nil {
		t.Fatal(err)
	}
	if got := read(t, a); string(got) != "new" {
		t.Errorf("a.go is %q", got)
	}
	if info, err := os.Stat(a); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// If a rename fails, the files renamed before it are restored: full is a directory that is not
	// empty.
	full := filepath.Join(dir, "full")
	write(t, filepath.Join(full, "c"), nil)
	changes = []swap.Change{{Name: a, Old: []byte("new"), New: []byte("newer")}, {Name: full, New: []byte("new")}}
	if err := writeAll(changes); err == nil {
		t.Fatal("a directory was replaced")
	}
	if got := read(t, a); string(got) != "new" {
		t.Errorf("a.go is %q", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestDiagnose(t *testing.T) {
	dir, file := newProgram(t)
	if got := fix(t, dir, 0, "-diagnose"); got != "" {
		t.Errorf("printed %q", got)
	}
	write(t, file, []byte("package main\n\nimport \"os/exec\"\n\nfunc main() { f(exec.Command(\"a\")) }\n\nfunc f(c *exec.Cmd) {\n\td := *c\n\td.Run()\n}\n"))
	if got := fix(t, dir, 1, "-diagnose"); !strings.HasPrefix(got, "main.go:8:7: an execx.Cmd must not be copied") || strings.Count(got, "\n") != 1 {
		t.Errorf("printed %q", got)
	}
}
