package source

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/packages"
)

// A Build holds the packages of a module and their dependencies, as they are built for a Config.
type Build struct {
	Config   Config
	Packages []*Package // packages of the module, dependencies first

	foreign map[string]*types.Package // packages that do not depend on the module, by ID
	all     []*packages.Package       // all packages, dependencies first
}

// A Package is a package of the module. It is type-checked with all function bodies. A package with
// internal tests occurs twice.
type Package struct {
	ID, Path, Name string
	Files          []*File
	Types          *types.Package
	Info           *types.Info
	Errors         []types.Error
}

const metadata = packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedModule

// Load loads all packages of the module, and the extra packages, for a configuration.
func (t *Tree) Load(config Config, extra ...string) (*Build, error) {
	cfg := &packages.Config{Mode: metadata, Dir: t.Dir, Env: config.env(), Tests: true}
	if _, err := os.Stat(filepath.Join(t.Dir, "vendor", "modules.txt")); err == nil && !strings.Contains(os.Getenv("GOFLAGS"), "-mod=") {
		cfg.BuildFlags = append(cfg.BuildFlags, "-mod=readonly") // execx is not vendored yet
	}
	if len(config.Tags) > 0 {
		cfg.BuildFlags = append(cfg.BuildFlags, "-tags="+strings.Join(config.Tags, ","))
	}
	roots, err := packages.Load(cfg, append([]string{"./..."}, extra...)...)
	if err != nil {
		return nil, err
	}
	b := &Build{Config: config, foreign: make(map[string]*types.Package)}
	packages.Visit(roots, nil, func(p *packages.Package) {
		b.all = append(b.all, p)
	})
	b.Packages = b.check(t, nil)
	return b, nil
}

// Check type-checks the packages of the module again. The files in overlay, by name, replace the
// loaded ones.
func (b *Build) Check(t *Tree, overlay map[string]*File) []*Package { return b.check(t, overlay) }

// Overlay parses src as the new content of the named file.
func (t *Tree) Overlay(name string, src []byte) *File { return t.parse(name, src) }

// owns reports whether p is a package of the module.
func (t *Tree) owns(p *packages.Package) bool {
	return p.Module != nil && p.Module.Path == t.Path && len(p.GoFiles) > 0 && !t.isTestMain(p)
}

// isTestMain reports whether p is the main package that go test generates.
func (t *Tree) isTestMain(p *packages.Package) bool {
	return strings.HasSuffix(p.PkgPath, ".test") && p.Name == "main" &&
		len(p.GoFiles) > 0 && !strings.HasPrefix(p.GoFiles[0], t.Dir+string(filepath.Separator))
}

// check type-checks the packages of the module. The first call also type-checks their dependencies.
func (b *Build) check(t *Tree, overlay map[string]*File) []*Package {
	done := make(map[string]*types.Package, len(b.all))
	ours := make(map[string]bool) // packages of the module, and those that depend on them
	for _, p := range b.all {
		ours[p.ID] = t.owns(p)
		for _, imp := range p.Imports {
			ours[p.ID] = ours[p.ID] || ours[imp.ID]
		}
	}
	if len(b.foreign) == 0 {
		b.checkForeign(t, ours)
	}
	maps.Copy(done, b.foreign)
	var own []*Package
	for _, p := range b.all {
		if !ours[p.ID] {
			continue
		}
		if t.isTestMain(p) {
			continue
		}
		pkg := b.checkOne(t, p, done, overlay, t.owns(p))
		done[p.ID] = pkg.Types
		if t.owns(p) {
			own = append(own, pkg)
		}
	}
	return own
}

// checkForeign type-checks the packages that do not depend on the module, each one after those that
// it imports.
func (b *Build) checkForeign(t *Tree, ours map[string]bool) {
	ready := make(map[string]chan struct{})
	for _, p := range b.all {
		if !ours[p.ID] {
			ready[p.ID] = make(chan struct{})
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, p := range b.all {
		if ours[p.ID] {
			continue
		}
		wg.Go(func() {
			defer close(ready[p.ID])
			imported := make(map[string]*types.Package, len(p.Imports))
			for _, imp := range p.Imports {
				if imp.ID != "unsafe" {
					<-ready[imp.ID]
				}
				mu.Lock()
				imported[imp.ID] = b.foreign[imp.ID]
				mu.Unlock()
			}
			limit <- struct{}{}
			defer func() { <-limit }()
			pkg := b.checkOne(t, p, imported, nil, false).Types
			mu.Lock()
			b.foreign[p.ID] = pkg
			mu.Unlock()
		})
	}
	wg.Wait()
}

// An importer imports the dependencies of p from packages that are already type-checked.
type importer struct {
	p    *packages.Package
	done map[string]*types.Package
}

func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if imp := i.p.Imports[path]; imp != nil {
		if pkg := i.done[imp.ID]; pkg != nil {
			return pkg, nil
		}
	}
	// The overlay imports a package that the original source does not.
	for id, pkg := range i.done {
		if id == path && pkg != nil {
			return pkg, nil
		}
	}
	return nil, fmt.Errorf("could not import %s", path)
}

// checkOne type-checks p, whose dependencies are in done.
func (b *Build) checkOne(t *Tree, p *packages.Package, done map[string]*types.Package, overlay map[string]*File, bodies bool) *Package {
	if p.ID == "unsafe" {
		return &Package{ID: p.ID, Types: types.Unsafe}
	}
	pkg := &Package{ID: p.ID, Path: p.PkgPath, Name: p.Name}
	names := slices.Clone(p.GoFiles)
	slices.Sort(names)
	files := make([]*ast.File, 0, len(names))
	for _, name := range names {
		f := overlay[name]
		if f == nil {
			f = t.Parse(name)
		}
		var err types.Error
		if f.Err != nil {
			err = types.Error{Fset: t.Fset, Msg: f.Err.Error()}
			if f.AST != nil {
				err.Pos = f.AST.Package
			}
			pkg.Errors = append(pkg.Errors, err)
		}
		if f.AST != nil {
			files = append(files, f.AST)
			pkg.Files = append(pkg.Files, f)
		}
	}
	conf := &types.Config{
		Importer:         importer{p, done},
		FakeImportC:      true,
		IgnoreFuncBodies: !bodies,
		Sizes:            cmp.Or(types.SizesFor("gc", b.Config.Arch), types.SizesFor("gc", "amd64")),
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok {
				pkg.Errors = append(pkg.Errors, e)
			}
		},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		conf.GoVersion = "go" + p.Module.GoVersion
	}
	if bodies {
		pkg.Info = &types.Info{
			Types:      make(map[ast.Expr]types.TypeAndValue),
			Defs:       make(map[*ast.Ident]types.Object),
			Uses:       make(map[*ast.Ident]types.Object),
			Implicits:  make(map[ast.Node]types.Object),
			Selections: make(map[*ast.SelectorExpr]*types.Selection),
			Instances:  make(map[*ast.Ident]types.Instance),
		}
	}
	pkg.Types, _ = conf.Check(p.PkgPath, t.Fset, files, pkg.Info)
	return pkg
}

// Importable reports whether other modules can import the package.
func (p *Package) Importable() bool {
	if p.Name == "main" || strings.HasSuffix(p.Name, "_test") && strings.HasSuffix(p.Path, "_test") {
		return false
	}
	return !slices.Contains(strings.Split(p.Path, "/"), "internal")
}

// Foreign returns the loaded packages that do not depend on the module.
func (b *Build) Foreign() []*types.Package {
	var pkgs []*types.Package
	for _, p := range b.all {
		if pkg := b.foreign[p.ID]; pkg != nil {
			pkgs = append(pkgs, pkg)
		}
	}
	return pkgs
}

// Has reports whether the package with the given path was loaded.
func (b *Build) Has(path string) bool {
	for _, p := range b.all {
		if p.PkgPath == path {
			return len(p.GoFiles) > 0
		}
	}
	return false
}

// Syntax returns the syntax trees of the files of the package.
func (p *Package) Syntax() []*ast.File {
	files := make([]*ast.File, len(p.Files))
	for i, f := range p.Files {
		files[i] = f.AST
	}
	return files
}
