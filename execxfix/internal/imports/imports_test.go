package imports_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.execx.dev/execxfix/internal/edit"
	"go.execx.dev/execxfix/internal/imports"
)

// FuzzSwap swaps imports and restores them. Its corpus includes the beginning of each file of the
// standard library that imports os/exec, up to the end of its imports.
func FuzzSwap(f *testing.F) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		f.Skip(err)
	}
	src := filepath.Join(strings.TrimSpace(string(root)), "src")
	err = filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(text, []byte(`"os/exec"`)) {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "", text, parser.ImportsOnly)
		if err == nil && len(imports.Find(file, imports.OS)) == 1 {
			end := fset.Position(file.Decls[len(file.Decls)-1].End()).Offset
			f.Add(append(text[:end:end], '\n'))
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("package a\n\nimport (\"os/exec\"; \"fmt\")\n"))
	f.Add([]byte("package a\n\nimport (\n\t\"fmt\"\r\n\t\"os/exec\" // why\r\n)\n"))
	f.Add([]byte("package a\n\nimport (\n\texec \"os/exec\" // why\n)\n"))
	for _, spec := range []string{
		`"os/exec"`, `"os/exec" // why`, `"os/exec" /* why */ // how`, "\"os/exec\" /* a\r\n\r\nb */", "/* a\nb */ \"os/exec\"",
		"\"os/exec\" //* /* \f */ // how", `exec "os/exec"`, `x /* y */ "os/exec"`,
		`"os/exec";`, "`os/exec`", `. "os/exec"`,
		`execx "os/exec"`, `execx /* why */ "os/exec"`,
	} {
		f.Add([]byte("package a\n\nimport " + spec + "\n"))
		f.Add([]byte("package a\n\nimport(" + spec + "\n)\n"))
		f.Add([]byte("package a\n\nimport (\n\t\"fmt\"\n\n\t" + spec + "\n\t\"klices\"\n)\n"))
		f.Add([]byte("package a\n\nimport (\n\t\"fmt\"\n\n\t" + spec + "\n\t\"fix.test\"\n)\n"))
	}
	f.Add([]byte("package a\n\nimport (\n\t\"fmt\"\ny\t\"os/exec\" /* a\n */ // how\n\t\"b\"\n)\n"))
	f.Add([]byte("package a\n\nimport \"os/exec\" /* a\r\n\r\nb */"))
	f.Add([]byte("package a\n\nimport (\n\t\"b\"\n\n\t\"os/exec\" /* c\nd */ // e\n)\r"))
	f.Add([]byte(`package a; import"os/exec"`))
	f.Add([]byte(`package a; import exec"os/exec"`))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, osName := range []string{"", "osexec"} {
			check(t, src, osName)
		}
	})
}

func check(t *testing.T, src []byte, osName string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ImportsOnly|parser.ParseComments)
	if err != nil || len(imports.Find(file, imports.OS)) != 1 || len(imports.Find(file, imports.Execx)) != 0 {
		return
	}
	edits := imports.Swap(src, osName)
	if len(edits) == 0 && !bytes.Contains(src, []byte(imports.OS)) {
		return // the path contains escape sequences
	}
	swapped := edit.Apply(src, edits)
	after, err := parser.ParseFile(token.NewFileSet(), "", swapped, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		t.Fatalf("%v\n%s\nof\n%s", err, swapped, src)
	}
	specs := imports.Find(after, imports.Execx)
	if len(specs) != 1 || imports.Name(specs[0], "execx") != imports.Name(imports.Find(file, imports.OS)[0], "exec") {
		t.Fatalf("execx is not imported, or by another name:\n%s\nof\n%s", swapped, src)
	}
	want := len(file.Imports)
	if osName != "" {
		want++
	}
	if len(after.Imports) != want {
		t.Errorf("%d imports, want %d:\n%s\nof\n%s", len(after.Imports), want, swapped, src)
	}
	if edit.Formatted(swapped) != edit.Formatted(src) {
		t.Errorf("formatted: %t, before: %t\n%s", edit.Formatted(swapped), edit.Formatted(src), swapped)
	}
	back, ok := imports.Restore(swapped)
	if restored := edit.Apply(swapped, back); !ok || !bytes.Equal(restored, src) {
		t.Errorf("restored\n%q\nwant\n%q\nfrom\n%s", restored, src, swapped)
	}
}

// FuzzAdd adds an import of os/exec and removes it.
func FuzzAdd(f *testing.F) {
	for _, imports := range []string{
		"", "import \"fmt\"\n", "import (\n\t\"fmt\"\n)\n", "import (\n\t\"fmt\"\n\n\t\"fix.test\"\n)\n",
		"import (\n\t\"fix.test\"\n)\n", "import (\"fmt\"; \"os\")\n", "import \"C\"\n", "// a\n", "/* a\n */\n",
	} {
		f.Add([]byte("package a\n\n" + imports))
		f.Add([]byte("package a // b\r\n" + imports))
		f.Add([]byte("package a; " + imports))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "", src, parser.ImportsOnly|parser.ParseComments)
		if err != nil || len(imports.Find(file, imports.OS)) != 0 {
			return
		}
		added := edit.Apply(src, imports.Add(src, "osexec"))
		after, err := parser.ParseFile(fset, "", added, parser.ImportsOnly)
		if err != nil || len(after.Imports) != len(file.Imports)+1 || len(imports.Find(after, imports.OS)) != 1 {
			t.Fatalf("%v\n%s\nof\n%s", err, added, src)
		}
		if back := edit.Apply(added, imports.Remove(added)); !bytes.Equal(back, src) {
			t.Errorf("removed\n%q\nwant\n%q\nfrom\n%s", back, src, added)
		}
	})
}
