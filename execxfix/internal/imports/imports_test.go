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

// swapCorpus returns source that imports os/exec, including the beginning of each file of the
// standard library that does, up to the end of its imports.
func swapCorpus(tb testing.TB) [][]byte {
	tb.Helper()
	var corpus [][]byte
	for _, src := range []string{
		"package a\n\nimport (\"os/exec\"; \"fmt\")\n",
		"package a\n\nimport (\n\t\"fmt\"\r\n\t\"os/exec\" // why\r\n)\n",
		"package a\n\nimport (\n\texec \"os/exec\" // why\n)\n",
		"package a\n\nimport (\n\t\"fmt\"\ny\t\"os/exec\" /* a\n */ // how\n\t\"b\"\n)\n",
		"package a\n\nimport \"os/exec\" /* a\r\n\r\nb */",
		"package a\n\nimport (\n\t\"b\"\n\n\t\"os/exec\" /* c\nd */ // e\n)\r",
		`package a; import"os/exec"`,
		`package a; import exec"os/exec"`,
	} {
		corpus = append(corpus, []byte(src))
	}
	for _, spec := range []string{
		`"os/exec"`, `"os/exec" // why`, `"os/exec" /* why */ // how`, "\"os/exec\" /* a\r\n\r\nb */", "/* a\nb */ \"os/exec\"",
		"\"os/exec\" //* /* \f */ // how", `exec "os/exec"`, `x /* y */ "os/exec"`,
		`"os/exec";`, "`os/exec`", `. "os/exec"`,
		`execx "os/exec"`, `execx /* why */ "os/exec"`,
	} {
		corpus = append(corpus,
			[]byte("package a\n\nimport "+spec+"\n"),
			[]byte("package a\n\nimport("+spec+"\n)\n"),
			[]byte("package a\n\nimport (\n\t\"fmt\"\n\n\t"+spec+"\n\t\"klices\"\n)\n"),
			[]byte("package a\n\nimport (\n\t\"fmt\"\n\n\t"+spec+"\n\t\"fix.test\"\n)\n"),
		)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		tb.Skip(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(root)), "src")
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
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
			corpus = append(corpus, append(text[:end:end], '\n'))
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return corpus
}

// Swap succeeds for the whole corpus.
func TestSwap(t *testing.T) {
	for _, src := range swapCorpus(t) {
		for _, osName := range []string{"", "osexec"} {
			if err := checkSwap(t, src, osName); err != nil {
				t.Errorf("%v\n%s", err, src)
			}
		}
	}
}

// FuzzSwap swaps imports and restores them.
func FuzzSwap(f *testing.F) {
	for _, src := range swapCorpus(f) {
		f.Add(src)
	}
	for _, src := range refused {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, osName := range []string{"", "osexec"} {
			checkSwap(t, src, osName)
		}
	})
}

// checkSwap returns the error of Swap. If Swap succeeds, it checks the result.
func checkSwap(t *testing.T, src []byte, osName string) error {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ImportsOnly|parser.ParseComments)
	if err != nil || len(imports.Find(file, imports.OS)) != 1 || len(imports.Find(file, imports.Execx)) != 0 {
		return nil
	}
	edits, err := imports.Swap(src, osName)
	if err != nil {
		return err
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
	back, err := imports.Restore(swapped)
	if restored := edit.Apply(swapped, back); err != nil || !bytes.Equal(restored, src) {
		t.Errorf("%v; restored\n%q\nwant\n%q\nfrom\n%s", err, restored, src, swapped)
	}
	return nil
}

// refused are imports that Swap refuses to rewrite.
var refused = []string{
	`package a; import "os/\x65xec"`,
	"package a\nimport`os\r/exec`",
	"package a\n\nimport (\n\texecx /**/ \"os/exec\"\n)\n", // gofmt would move the comment
	"package a\n\nimport \"os/exec\" /*\f0*/\n",
}

func TestRefused(t *testing.T) {
	for _, src := range refused {
		if edits, err := imports.Swap([]byte(src), "osexec"); err == nil {
			t.Errorf("swapped by %v\n%s", edits, src)
		}
	}
	if edits, err := imports.Restore([]byte(`package a; import "go.execx.dev/\x65xecx"`)); err == nil {
		t.Errorf("restored by %v", edits)
	}
}

// addCorpus returns source that does not import os/exec.
func addCorpus() [][]byte {
	var corpus [][]byte
	for _, imports := range []string{
		"", "import \"fmt\"\n", "import (\n\t\"fmt\"\n)\n", "import (\n\t\"fmt\"\n\n\t\"fix.test\"\n)\n",
		"import (\n\t\"fix.test\"\n)\n", "import (\"fmt\"; \"os\")\n", "import \"C\"\n", "// a\n", "/* a\n */\n",
	} {
		for _, clause := range []string{
			"package a\n\n", "package a\n", "package a; ",
			"package a // b\n", "package a // b\r\n", "package a // b\x0f\n",
		} {
			corpus = append(corpus, []byte(clause+imports), []byte(clause+strings.TrimSuffix(imports, "\n")))
		}
	}
	return corpus
}

// Add succeeds for the whole corpus.
func TestAdd(t *testing.T) {
	for _, src := range addCorpus() {
		if err := checkAdd(t, src); err != nil {
			t.Errorf("%v\n%s", err, src)
		}
	}
}

// FuzzAdd adds an import of os/exec and removes it.
func FuzzAdd(f *testing.F) {
	for _, src := range addCorpus() {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkAdd(t, src) })
}

// checkAdd returns the error of Add. If Add succeeds, it checks the result.
func checkAdd(t *testing.T, src []byte) error {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.ImportsOnly|parser.ParseComments)
	if err != nil || len(imports.Find(file, imports.OS)) != 0 {
		return nil
	}
	edits, err := imports.Add(src, "osexec")
	if err != nil {
		return err
	}
	added := edit.Apply(src, edits)
	after, err := parser.ParseFile(fset, "", added, parser.ImportsOnly)
	if err != nil || len(after.Imports) != len(file.Imports)+1 || len(imports.Find(after, imports.OS)) != 1 {
		t.Fatalf("%v\n%s\nof\n%s", err, added, src)
	}
	if edit.Formatted(added) != edit.Formatted(src) {
		t.Errorf("formatted: %t, before: %t\n%s", edit.Formatted(added), edit.Formatted(src), added)
	}
	if back := edit.Apply(added, imports.Remove(added)); !bytes.Equal(back, src) {
		t.Errorf("removed\n%q\nwant\n%q\nfrom\n%s", back, src, added)
	}
	return nil
}
