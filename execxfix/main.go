// Execxfix replaces os/exec by execx in the sources of a module.
//
// In the root of a module that requires go.execx.dev:
//
//	go run go.execx.dev/execxfix@latest ./...
//
// It rewrites all Go files but generated ones and those of testdata, vendor and nested modules, for
// Linux, Windows and macOS at once, and prints a line for each file that it has changed and for
// each place that stays with os/exec, with the reason. Before it writes anything it checks that the
// result compiles.
//
// The exit status is 0 if everything compiles, 1 if something is left to the user, and 2 if
// execxfix was not used as it should be.
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

// flags are those of the command line.
type flags struct {
	dry, force, api, generated, all, undo, diagnose bool
}

const usage = `usage: execxfix [flags] [./... | directories]

Execxfix replaces os/exec by execx in the sources of a module.

`

func main() {
	if forVet(os.Args[1:]) {
		unitchecker.Main(diagnose.Analyzer)
	}
	os.Exit(run(".", os.Args[1:], os.Stdout, os.Stderr))
}

// forVet reports whether go vet has started this program, as its -vettool.
func forVet(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	return last == "-V=full" || last == "-flags" || strings.HasSuffix(last, ".cfg")
}

// run is main for a directory, and returns the exit status.
func run(dir string, args []string, stdout, stderr io.Writer) int {
	var f flags
	set := flag.NewFlagSet("execxfix", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, usage)
		set.PrintDefaults()
	}
	set.BoolVar(&f.dry, "n", false, "print a diff, and change nothing")
	set.BoolVar(&f.force, "f", false, "go on if the work tree has changes that are not committed")
	set.BoolVar(&f.api, "api", false, "change exported API, too")
	set.BoolVar(&f.generated, "generated", false, "change generated files, too")
	set.BoolVar(&f.all, "all", false, "change packages that reap or trace processes by themselves, too")
	set.BoolVar(&f.undo, "undo", false, "replace execx by os/exec")
	set.BoolVar(&f.diagnose, "diagnose", false, "say what differs with execx that types do not show, and change nothing")
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
