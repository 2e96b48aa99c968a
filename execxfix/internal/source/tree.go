// Package source finds, parses and type-checks the packages of a module, for several systems at
// once.
//
// Each file is parsed once, whatever the number of systems and of test variants that it is part of.
// A node, and the position of what it declares, is therefore the same in all of them.
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

// A Tree is the files of a module.
type Tree struct {
	Dir  string // of the module
	Path string // of the module
	Fset *token.FileSet

	mu    sync.Mutex
	files map[string]*entry
}

type entry struct{ parsed func() *File }

// A File is a file that was parsed.
type File struct {
	Name      string
	Src       []byte
	AST       *ast.File
	Err       error // of reading or parsing
	Own       bool  // of the module itself, and found by Files
	Generated bool

	tok *token.File
}

// Offset returns the offset in f of pos.
func (f *File) Offset(pos token.Pos) int { return f.tok.Offset(pos) }

// NewTree returns the tree of the module in dir, whose path this is.
func NewTree(dir, path string) *Tree {
	return &Tree{Dir: dir, Path: path, Fset: token.NewFileSet(), files: make(map[string]*entry)}
}

// Files returns the Go files of the module: all but those of testdata and vendor, of folders that
// begin with a dot or an underscore, and of modules within the module.
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

// Own marks files as those of the module itself, that can be changed.
func (t *Tree) Own(names []string) {
	for _, name := range names {
		t.Parse(name).Own = true
	}
}

// Parse returns the file of this name, which is read and parsed once.
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

// FileOf returns the file that pos is in, or nil.
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

// Rel returns the name of a file relative to the module.
func (t *Tree) Rel(name string) string {
	if rel, err := filepath.Rel(t.Dir, name); err == nil {
		return rel
	}
	return name
}

// Where returns pos as file:line:column, relative to the module.
func (t *Tree) Where(pos token.Pos) string {
	p := t.Fset.Position(pos)
	return fmt.Sprintf("%s:%d:%d", t.Rel(p.Filename), p.Line, p.Column)
}
