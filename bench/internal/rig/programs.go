package rig

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed testdata/*.c
var sources embed.FS

// Programs are the child programs of the benchmarks, built by the machine's C compiler.
type Programs struct {
	Child string   // exits immediately
	Hold  []string // exits at the end of its standard input
	Loop  string   // loop WORKERS N PROGRAM: see loop.c; "" without a compiler
}

// Build builds the programs in dir. Without a C compiler, it returns true and cat, which are
// slower.
func Build(dir string) (*Programs, error) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return found()
	}
	child, err := compile(compiler, dir, "child",
		[]string{"-static", "-nostdlib"}, []string{"-static"}, nil)
	if err != nil {
		return nil, err
	}
	loop, err := compile(compiler, dir, "loop", []string{"-pthread"})
	if err != nil {
		return nil, err
	}
	return &Programs{Child: child, Hold: []string{child, "hold"}, Loop: loop}, nil
}

// compile compiles a program with the first list of flags that works.
func compile(compiler, dir, name string, flags ...[]string) (program string, err error) {
	source, err := sources.ReadFile("testdata/" + name + ".c")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, name)
	if err := os.WriteFile(program+".c", source, 0o600); err != nil {
		return "", err
	}
	for _, f := range flags {
		arg := append([]string{"-O2", "-Wall", "-Werror", "-o", program, program + ".c"}, f...)
		out, compileErr := exec.Command(compiler, arg...).CombinedOutput()
		if compileErr == nil {
			return program, nil
		}
		err = fmt.Errorf("compiling %s.c: %w\n%s", name, compileErr, out)
	}
	return "", err
}

func found() (*Programs, error) {
	child, err := exec.LookPath("true")
	if err != nil {
		return nil, err
	}
	hold, err := exec.LookPath("cat")
	if err != nil {
		return nil, err
	}
	return &Programs{Child: child, Hold: []string{hold}}, nil
}
