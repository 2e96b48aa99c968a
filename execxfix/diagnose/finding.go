package diagnose

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// A Finding is a diagnostic of [Analyzer].
type Finding struct {
	Pos     token.Pos
	Message string
}

// Check runs [Analyzer] on a package and returns its findings.
func Check(fset *token.FileSet, files []*ast.File, pkg *types.Package, info *types.Info) []Finding {
	var found []Finding
	_, err := Analyzer.Run(&analysis.Pass{
		Analyzer: Analyzer, Fset: fset, Files: files, Pkg: pkg, TypesInfo: info,
		Report: func(d analysis.Diagnostic) { found = append(found, Finding{d.Pos, d.Message}) },
	})
	if err != nil {
		panic(fmt.Sprint("diagnose: ", err)) // run never fails
	}
	return found
}

// Stays reports whether the package of the finding should stay with os/exec, because it waits for
// any child and passes on statuses by PID, or traces processes.
func (f Finding) Stays() bool {
	return f.Message == tracer || strings.HasSuffix(f.Message, reaper)
}
