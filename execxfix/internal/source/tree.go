// Package source finds, parses and type-checks the packages of a module for several systems at
// once.
//
// Each file is parsed only once, even if it belongs to packages for several systems and to test
// variants. All of them share its nodes and positions.
package source

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A Tree holds the files of a module and of its dependencies.
type Tree struct {
	Dir  string // the root directory of the module
	Path string // the module path
	Fset *token.FileSet

	mu    sync.Mutex
	files map[string]*entry
}

type entry struct{ parsed func() *File }

// A File is a parsed file.
type File struct {
	Name      string
	Src       []byte
	AST       *ast.File
	Err       error // the error of reading or parsing the file
	Own       bool  // set by SetOwn
	Generated bool

	tok *token.File
}

// Offset returns the offset of pos in f.
func (f *File) Offset(pos token.Pos) int { return f.tok.Offset(pos) }

// NewTree returns the tree of the module with the given path in dir.
func NewTree(dir, path string) *Tree {
	return &Tree{Dir: dir, Path: path, Fset: token.NewFileSet(), files: make(map[string]*entry)}
}

// Files returns the names of the Go files of the module. It skips nested modules, directories named
// testdata or vendor, and names that begin with a dot or an underscore.
func (t *Tree) Files() ([]string, error) {
	var names []string
	err := filepath.WalkDir(t.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if !d.IsDir() {
			if d.Type().IsRegular() && strings.HasSuffix(base, ".go") && base[0] != '.' && base[0] != '_' {
				names = append(names, name)
			}
			return nil
		}
		if name == t.Dir {
			return nil
		}
		if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
			return fs.SkipDir
		}
		return nil
	})
	return names, err
}

// SetOwn marks files as belonging to the module itself, so that they can be changed.
func (t *Tree) SetOwn(names []string) {
	for _, name := range names {
		t.Parse(name).Own = true
	}
}

// Parse returns the named file. It reads and parses each file only once.
func (t *Tree) Parse(name string) *File {
	t.mu.Lock()
	e := t.files[name]
	if e == nil {
		e = &entry{parsed: sync.OnceValue(func() *File {
			src, err := os.ReadFile(name)
			f := t.parse(name, src)
			if err != nil {
				f.Err = err
			}
			return f
		})}
		t.files[name] = e
	}
	t.mu.Unlock()
	return e.parsed()
}

func (t *Tree) parse(name string, src []byte) *File {
	f := &File{Name: name, Src: src}
	f.AST, f.Err = parser.ParseFile(t.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if f.AST != nil {
		f.tok = t.Fset.File(f.AST.FileStart)
		f.Generated = ast.IsGenerated(f.AST)
	}
	return f
}

// FileOf returns the file that contains pos, or nil.
func (t *Tree) FileOf(pos token.Pos) *File {
	tok := t.Fset.File(pos)
	if tok == nil {
		return nil
	}
	t.mu.Lock()
	e := t.files[tok.Name()]
	t.mu.Unlock()
	if e == nil {
		return nil
	}
	return e.parsed()
}

// Rel returns the name of a file relative to the root of the module.
func (t *Tree) Rel(name string) string {
	if rel, err := filepath.Rel(t.Dir, name); err == nil {
		return rel
	}
	return name
}

// Where returns pos as file:line:column, with the file relative to the root of the module.
func (t *Tree) Where(pos token.Pos) string {
	p := t.Fset.Position(pos)
	return fmt.Sprintf("%s:%d:%d", t.Rel(p.Filename), p.Line, p.Column)
}
