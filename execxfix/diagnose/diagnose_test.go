package diagnose_test

import (
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.execx.dev/execxfix/diagnose"
	"golang.org/x/tools/go/analysis/analysistest"
)

func TestAnalyzer(t *testing.T) {
	packages := []string{"b"}
	if runtime.GOOS == "linux" {
		packages = append(packages, "a", "tracer")
	}
	for _, r := range analysistest.Run(t, analysistest.TestData(), diagnose.Analyzer, packages...) {
		stays := false
		pass := r.Action.Package
		for _, f := range diagnose.Check(pass.Fset, pass.Syntax, pass.Types, pass.TypesInfo) {
			if !f.Pos.IsValid() || f.Pos == token.NoPos || f.Message == "" {
				t.Errorf("finding without a position or message: %v", f)
			}
			stays = stays || f.Stays()
		}
		if want := pass.PkgPath != "b"; stays != want {
			t.Errorf("%s: Stays is %v, want %v", pass.PkgPath, stays, want)
		}
	}
}

// Go vet can run execxfix as its -vettool.
func TestVettool(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "execxfix")
	if out, err := exec.Command("go", "build", "-o", tool, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, file := range []struct{ name, text string }{
		{"go.mod", "module vet.test\n\ngo 1.26.0\n"},
		{"a.go", "package a\n\nimport \"os/exec\"\n\nfunc f(c *exec.Cmd) { d := *c; d.Run() }\n"},
	} {
		if err := os.WriteFile(filepath.Join(dir, file.name), []byte(file.text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("go", "vet", "-vettool="+tool, ".")
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a.go:5:28: an execx.Cmd must not be copied") {
		t.Errorf("%v\n%s", err, out)
	}
}
