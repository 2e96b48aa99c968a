// Execxfix replaces os/exec with execx in the source code of a module.
//
// Run it in the root of a module that requires go.execx.dev:
//
//	go run go.execx.dev/execxfix@latest ./...
//
// It rewrites the Go files of the module in place, for Linux, Windows and macOS at once. It skips
// generated files, and files in testdata, vendor and nested modules. It prints a line for each file
// that it changed, and for each place that still uses os/exec, with the reason. Before it writes
// anything, it checks that the result compiles.
//
// The exit status is 0 if everything compiles, 1 if something is left for the user to do, and 2 if
// execxfix was called incorrectly.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"go.execx.dev/execxfix/diagnose"
	"golang.org/x/tools/go/analysis/unitchecker"
)

// flags holds the values of the command-line flags.
type flags struct {
	dry, force, api, generated, all, undo, diagnose bool
}

const usage = `usage: execxfix [flags] [./... | directories]

Execxfix replaces os/exec with execx in the source code of a module.

`

func main() {
	if forVet(os.Args[1:]) {
		unitchecker.Main(diagnose.Analyzer)
	}
	os.Exit(run(".", os.Args[1:], os.Stdout, os.Stderr))
}

// forVet reports whether go vet runs this program as its -vettool.
func forVet(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	return last == "-V=full" || last == "-flags" || strings.HasSuffix(last, ".cfg")
}

// run runs execxfix in dir and returns its exit status.
func run(dir string, args []string, stdout, stderr io.Writer) int {
	var f flags
	set := flag.NewFlagSet("execxfix", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	set.BoolVar(&f.dry, "n", false, "print a diff instead of changing files")
	set.BoolVar(&f.force, "f", false, "continue even if the work tree has uncommitted changes")
	set.BoolVar(&f.api, "api", false, "also change exported API")
	set.BoolVar(&f.generated, "generated", false, "also change generated files")
	set.BoolVar(&f.all, "all", false, "also change packages that reap or trace processes themselves")
	set.BoolVar(&f.undo, "undo", false, "replace execx with os/exec")
	set.BoolVar(&f.diagnose, "diagnose", false, "report code that compiles with execx but behaves differently, and change nothing")
	if err := set.Parse(args); err != nil {
		return 2
	}
	r := &runner{flags: f, patterns: set.Args(), stdout: stdout, stderr: stderr}
	status, err := r.run(dir)
	if err != nil {
		fmt.Fprintln(stderr, "execxfix:", err)
		return max(status, 1)
	}
	return status
}
