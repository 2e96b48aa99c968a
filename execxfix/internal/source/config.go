package source

import (
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A Config is a system and build tags to build for.
type Config struct {
	OS, Arch string
	Cgo      bool
	Tags     []string // build tags, sorted
}

// Systems returns the configurations for which every module is loaded. Files that use cgo are
// type-checked without C.
func Systems() []Config {
	return []Config{{OS: "linux", Arch: "amd64", Cgo: true}, {OS: "windows", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"}}
}

func (c Config) String() string {
	s := c.OS + "/" + c.Arch
	if c.Cgo {
		s += " with cgo"
	}
	if len(c.Tags) > 0 {
		s += " with " + strings.Join(c.Tags, ",")
	}
	return s
}

func (c Config) env() []string {
	cgo := "0"
	if c.Cgo {
		cgo = "1"
	}
	return append(os.Environ(), "GOOS="+c.OS, "GOARCH="+c.Arch, "CGO_ENABLED="+cgo)
}

// matches reports whether c builds the file.
func (c Config) matches(file string) bool {
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled, ctx.BuildTags = c.OS, c.Arch, c.Cgo, c.Tags
	ctx.Compiler = runtime.Compiler
	ok, err := ctx.MatchFile(filepath.Dir(file), filepath.Base(file))
	return ok && err == nil && (c.Cgo || !usesCgo(file))
}

func usesCgo(file string) bool {
	f, _ := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	return f != nil && slices.ContainsFunc(f.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"C"` })
}

// otherSystems are tried, in this order, for files that none of Systems builds.
var otherSystems = []Config{
	{OS: "linux", Arch: "amd64"}, {OS: "darwin", Arch: "arm64", Cgo: true},
	{OS: "windows", Arch: "amd64", Cgo: true}, {OS: "freebsd", Arch: "amd64"},
	{OS: "openbsd", Arch: "amd64"}, {OS: "netbsd", Arch: "amd64"}, {OS: "dragonfly", Arch: "amd64"},
	{OS: "solaris", Arch: "amd64"}, {OS: "illumos", Arch: "amd64"}, {OS: "aix", Arch: "ppc64"},
	{OS: "android", Arch: "arm64"}, {OS: "plan9", Arch: "amd64"}, {OS: "js", Arch: "wasm"},
	{OS: "wasip1", Arch: "wasm"}, {OS: "linux", Arch: "arm64"}, {OS: "linux", Arch: "386"},
	{OS: "linux", Arch: "arm"}, {OS: "linux", Arch: "riscv64"}, {OS: "linux", Arch: "ppc64le"},
	{OS: "linux", Arch: "s390x"}, {OS: "linux", Arch: "loong64"}, {OS: "linux", Arch: "mips64le"},
	{OS: "windows", Arch: "arm64"}, {OS: "darwin", Arch: "amd64"},
}

// ConfigsFor returns the configurations that build files, in addition to those of [Systems]. It
// also returns the files that no configuration builds.
func ConfigsFor(files []string) (configs []Config, unmatched []string) {
	for _, file := range files {
		built := func(c Config) bool { return c.matches(file) }
		if slices.ContainsFunc(Systems(), built) || slices.ContainsFunc(configs, built) {
			continue
		}
		candidates := otherSystems
		if tags := tagsOf(file); len(tags) > 0 {
			candidates = nil
			for _, c := range append(Systems(), otherSystems...) {
				c.Tags = tags
				candidates = append(candidates, c)
			}
		}
		if i := slices.IndexFunc(candidates, built); i >= 0 {
			configs = append(configs, candidates[i])
		} else {
			unmatched = append(unmatched, file)
		}
	}
	return configs, unmatched
}

// tagsOf returns the tags in the build constraint of a file, except those of systems and the tag
// ignore.
func tagsOf(file string) []string {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var tags []string
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			break
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		if expr, err := constraint.Parse(line); err == nil {
			expr.Eval(func(tag string) bool {
				if tag != "ignore" && !systemTag(tag) {
					tags = append(tags, tag)
				}
				return false
			})
			// Eval does not evaluate the right side of x && y if x is false.
			expr.Eval(func(tag string) bool {
				if tag != "ignore" && !systemTag(tag) {
					tags = append(tags, tag)
				}
				return true
			})
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// systemTag reports whether tag depends on the system or the toolchain.
func systemTag(tag string) bool {
	if tag == "unix" || tag == "cgo" || tag == "gc" || tag == "race" || strings.HasPrefix(tag, "go1.") {
		return true
	}
	return slices.ContainsFunc(append(Systems(), otherSystems...), func(c Config) bool {
		return tag == c.OS || tag == c.Arch
	})
}
