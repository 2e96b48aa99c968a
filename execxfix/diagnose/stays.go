package diagnose

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// A Finding is something that [Analyzer] reports.
type Finding struct {
	Pos     token.Pos
	Message string
}

// Check runs [Analyzer] on a package.
func Check(fset *token.FileSet, files []*ast.File, pkg *types.Package, info *types.Info) []Finding {
	var found []Finding
	_, err := Analyzer.Run(&analysis.Pass{
		Analyzer: Analyzer, Fset: fset, Files: files, Pkg: pkg, TypesInfo: info,
		Report: func(d analysis.Diagnostic) { found = append(found, Finding{d.Pos, d.Message}) },
	})
	if err != nil {
		panic(fmt.Sprint("diagnose: ", err)) // run returns none
	}
	return found
}

// Stays reports whether a package that has this is to stay with os/exec: it waits for any child and
// knows statuses by number, or it traces.
func (f Finding) Stays() bool {
	return f.Message == tracer || strings.HasSuffix(f.Message, reaper)
}
