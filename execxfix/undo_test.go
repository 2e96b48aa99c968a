package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// In a file that imports both packages, the existing import names are used.
func TestPartly(t *testing.T) {
	dir, file := newProgram(t)
	for _, test := range []struct{ src, want, back string }{
		{
			src: `package main

import (
	"errors"
	"os/exec"

	"go.execx.dev/execx"
)

func main() {
	_, _ = execx.Command("a"), exec.Command("b")
	errors.Is(nil, exec.ErrDot)
}
`,
			want: `package main

import (
	"errors"

	"go.execx.dev/execx"
)

func main() {
	_, _ = execx.Command("a"), execx.Command("b")
	errors.Is(nil, execx.ErrDot)
}
`,
			back: `package main

import (
	"errors"
	execx "os/exec"
)

func main() {
	_, _ = execx.Command("a"), execx.Command("b")
	errors.Is(nil, execx.ErrDot)
}
`,
		},
		{
			src: `package main

import (
	. "os/exec"

	"foreign.test"
	"go.execx.dev/execx"
)

func main() {
	_, _ = execx.Command("a"), &Cmd{Path: "b"}
	foreign.StartAll(Command("c"))
}
`,
			want: `package main

import (
	. "os/exec"

	"foreign.test"
	"go.execx.dev/execx"
)

func main() {
	_, _ = execx.Command("a"), &execx.Cmd{Cmd: Cmd{Path: "b"}}
	foreign.StartAll(&execx.Command("c").Cmd)
}
`,
		},
	} {
		write(t, file, []byte(test.src))
		out := fix(t, dir, 0)
		if got := read(t, file); string(got) != test.want {
			t.Errorf("changed to\n%s\nwant\n%s\nprinted\n%s", got, test.want, out)
		}
		if test.back == "" {
			continue
		}
		fix(t, dir, 0, "-undo")
		if got := read(t, file); string(got) != test.back {
			t.Errorf("-undo changed it to\n%s\nwant\n%s", got, test.back)
		}
	}
}

// -undo reports a file whose imports it cannot rewrite.
func TestUndoOfTwo(t *testing.T) {
	dir, file := newProgram(t)
	src := "package main\n\nimport (\n\ta \"go.execx.dev/execx\"\n\tb \"go.execx.dev/execx\"\n)\n\nfunc main() { _, _ = a.ErrDot, b.ErrDot }\n"
	write(t, file, []byte(src))
	if got, want := fix(t, dir, 1, "-undo"), "main.go: left: imports os/exec or execx more than once\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if got := read(t, file); string(got) != src {
		t.Errorf("-undo changed it to\n%s", got)
	}
}

// A file whose imports cannot be rewritten is left, and so is code that must have the same types.
func TestUnreadableImports(t *testing.T) {
	dir, file := newProgram(t)
	other := filepath.Join(dir, "other.go")
	for _, test := range []struct{ src, other, want string }{
		{
			src:   "package main\n\nimport \"os/\\x65xec\"\n\nfunc main() { run(exec.Command(\"a\")) }\n",
			other: "package main\n\nimport \"os/exec\"\n\nfunc run(c *exec.Cmd) { c.Run() }\n",
			want: "main.go:5:24: left exec.Command: main.go cannot be rewritten: the import path contains escape sequences or carriage returns\n" +
				"other.go:5:18: left exec.Cmd: main.go cannot be rewritten: the import path contains escape sequences or carriage returns\n",
		},
		{
			src:   "package main\n\nimport \"os/\\x65xec\"\n\nfunc main() { exec.LookPath(\"a\") }\n",
			other: "package main\n\nimport \"os/exec\"\n\nfunc run() { exec.Command(\"a\").Run() }\n",
			want: "main.go:3:8: left import: the import path contains escape sequences or carriage returns\n" +
				"other.go: changed\n",
		},
	} {
		write(t, file, []byte(test.src))
		write(t, other, []byte(test.other))
		if got := fix(t, dir, 0); got != test.want {
			t.Errorf("printed\n%s\nwant\n%s", got, test.want)
		}
		if got := read(t, file); string(got) != test.src {
			t.Errorf("changed to\n%s", got)
		}
	}
	src := "package main\n\nimport exec \"go.execx.dev/\\x65xecx\"\n\nfunc main() { exec.Command(\"a\").Run() }\n"
	write(t, file, []byte(src))
	want := "main.go:3:8: left import: the import path contains escape sequences or carriage returns\n" +
		"other.go: changed\n"
	if got := fix(t, dir, 1, "-undo"); got != want {
		t.Errorf("-undo printed\n%s\nwant\n%s", got, want)
	}
	if got := read(t, file); string(got) != src {
		t.Errorf("-undo changed it to\n%s", got)
	}
}

// What one run leaves, a second run with more flags swaps. The result is the same as that of one
// run with these flags, and -undo restores the original.
func TestInSteps(t *testing.T) {
	dir := newModule(t)
	files := make(map[string]string)
	for _, pkg := range []struct{ name, imports string }{
		{"a", "import \"os/exec\"\n"},
		{"b", "import (\n\t\"os/exec\"\n)\n"},
		{"c", "import (\n\t\"fmt\"\n\t\"os/exec\"\n)\n\nvar _ fmt.Stringer\n"},
	} {
		file := filepath.Join(dir, pkg.name, pkg.name+".go")
		files[file] = "package " + pkg.name + "\n\n" + pkg.imports + `
func New() *exec.Cmd { return &exec.Cmd{Path: "a"} }

func own() error { return exec.Command("b").Run() }
`
		write(t, file, []byte(files[file]))
	}
	fix(t, dir, 0, "-api")
	want := contents(t, dir)
	fix(t, dir, 0, "-undo")
	fix(t, dir, 0)
	for file := range files {
		if got := read(t, file); !bytes.Contains(got, []byte("func New() *osexec.Cmd")) {
			t.Errorf("changed to\n%s", got)
		}
	}
	fix(t, dir, 0, "-api")
	for file := range files {
		if got := read(t, file); !bytes.Equal(got, want[file]) {
			t.Errorf("changed in two steps to\n%s\nwant\n%s", got, want[file])
		}
	}
	fix(t, dir, 0, "-undo")
	for file, src := range files {
		if got := read(t, file); string(got) != src {
			t.Errorf("-undo changed it to\n%s\nwant\n%s", got, src)
		}
	}
}

// -undo reports uses of what os/exec does not have.
func TestUndoOfMore(t *testing.T) {
	dir, file := newProgram(t)
	write(t, file, []byte(`package main

import (
	"context"

	"go.execx.dev/execx"
)

func main() {
	c := execx.Command("a")
	c.KillOnClose = true
	c.Cmd.Dir = "/"
	c.Start()
	c.WaitContext(context.Background())
	execx.Orphans()
}
`))
	out := fix(t, dir, 1, "-undo")
	for _, want := range []string{"KillOnClose", "WaitContext", "Orphans"} {
		if !strings.Contains(out, "left "+want+": os/exec has nothing like it") {
			t.Errorf("printed\n%s\nwithout %s", out, want)
		}
	}
	if lines := strings.Split(out, "\n"); len(slices.Compact(slices.Sorted(slices.Values(lines)))) < len(lines) {
		t.Errorf("printed a line twice\n%s", out)
	}
	got := string(read(t, file))
	if !strings.Contains(got, "\texecx \"os/exec\"\n") || !strings.Contains(got, "\tc.Dir = \"/\"\n") {
		t.Errorf("changed to\n%s", got)
	}
}
