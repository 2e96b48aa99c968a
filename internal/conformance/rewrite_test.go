//go:build unix

package conformance

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// toExecx replaces os/exec by execx. It applies two of the rules of execxfix:
//
//   - The import is replaced, and keeps its name.
//   - The fields in a composite literal of type exec.Cmd become fields of the embedded exec.Cmd.
//
// A third rule, which writes &c.Cmd where an API wants an *exec.Cmd, needs type information. No
// test of os/exec needs that rule, and it would require the dependencies of execxfix.
func toExecx(src []byte) ([]byte, error) {
	f, err := parse(src)
	if err != nil {
		return nil, err
	}
	var e edits
	for _, spec := range f.Imports {
		if importPath(spec) != "os/exec" {
			continue
		}
		name := "exec"
		if spec.Name != nil {
			name = spec.Name.Name
			e.replace(spec.Path, `"go.execx.dev/execx"`)
		} else {
			e.replace(spec.Path, `exec "go.execx.dev/execx"`)
		}
		literals := false
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && len(lit.Elts) > 0 && isCmd(lit.Type, name) {
				e.insert(lit.Lbrace+1, "Cmd: osexec.Cmd{")
				e.insert(lit.Rbrace, "}")
				literals = true
			}
			return true
		})
		if literals {
			e.insert(f.Name.End(), `; import osexec "os/exec"`)
		}
	}
	return e.apply(src), nil
}

// isCmd reports whether typ is exec.Cmd, in a file that imports os/exec under the given name.
func isCmd(typ ast.Expr, name string) bool {
	if name == "." {
		id, ok := typ.(*ast.Ident)
		return ok && id.Name == "Cmd"
	}
	sel, ok := typ.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Cmd" {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == name
}

// toStandIns replaces imports of Go's internal packages by the packages with the same path in
// module. It fails if a package is not in standIns.
func toStandIns(src []byte, module string, standIns map[string]bool) ([]byte, error) {
	f, err := parse(src)
	if err != nil {
		return nil, err
	}
	var e edits
	for _, spec := range f.Imports {
		p := importPath(spec)
		switch {
		case standIns[p]:
			e.replace(spec.Path, strconv.Quote(path.Join(module, p)))
		case slices.Contains(strings.Split(p, "/"), "internal"):
			return nil, fmt.Errorf("imports %s, which testdata/std has no stand-in for", p)
		}
	}
	return e.apply(src), nil
}

func parse(src []byte) (*ast.File, error) {
	// In the first file of a file set, a position is an offset plus 1.
	return parser.ParseFile(token.NewFileSet(), "", src, parser.ParseComments|parser.SkipObjectResolution)
}

func importPath(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}

// edits holds changes to a source text that preserve its line numbers.
type edits []edit

type edit struct {
	pos, end token.Pos
	text     string
}

func (e *edits) insert(pos token.Pos, text string) { *e = append(*e, edit{pos, pos, text}) }
func (e *edits) replace(node ast.Node, text string) {
	*e = append(*e, edit{node.Pos(), node.End(), text})
}

func (e edits) apply(src []byte) []byte {
	slices.SortStableFunc(e, func(a, b edit) int { return cmp.Compare(a.pos, b.pos) })
	var out []byte
	at := token.Pos(1)
	for _, edit := range e {
		out = append(out, src[at-1:edit.pos-1]...)
		out = append(out, edit.text...)
		at = edit.end
	}
	return append(out, src[at-1:]...)
}

func TestToExecx(t *testing.T) {
	for _, tt := range []struct {
		name      string
		src, want string
	}{
		{"import",
			"package p\nimport \"os/exec\"\nvar _ = exec.Command(\"a\")",
			"package p\nimport exec \"go.execx.dev/execx\"\nvar _ = exec.Command(\"a\")",
		},
		{"named import",
			"package p\nimport (\n\tx \"os/exec\" // why\n)",
			"package p\nimport (\n\tx \"go.execx.dev/execx\" // why\n)",
		},
		{"literal",
			"package p\nimport \"os/exec\"\nvar _ = &exec.Cmd{Path: p, Dir: \"/\"}",
			"package p; import osexec \"os/exec\"\nimport exec \"go.execx.dev/execx\"\nvar _ = &exec.Cmd{Cmd: osexec.Cmd{Path: p, Dir: \"/\"}}",
		},
		{"literal, dot import",
			"package p\nimport . \"os/exec\"\nvar _ = Cmd{Path: p}",
			"package p; import osexec \"os/exec\"\nimport . \"go.execx.dev/execx\"\nvar _ = Cmd{Cmd: osexec.Cmd{Path: p}}",
		},
		{"empty literal",
			"package p\nimport \"os/exec\"\nvar _ = exec.Cmd{}",
			"package p\nimport exec \"go.execx.dev/execx\"\nvar _ = exec.Cmd{}",
		},
		{"nothing of os/exec",
			"package p\nvar _ = exec.Cmd{Path: \"os/exec\"}",
			"package p\nvar _ = exec.Cmd{Path: \"os/exec\"}",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := toExecx([]byte(tt.src))
			require.NoError(t, err)
			assert.Equal(t, tt.want, string(got))
		})
	}
}
