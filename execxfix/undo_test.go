package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// A file that imports both packages is swapped by those names.
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
			t.Errorf("made\n%s\nwant\n%s\nprinted\n%s", got, test.want, out)
		}
		if test.back == "" {
			continue
		}
		fix(t, dir, 0, "-undo")
		if got := read(t, file); string(got) != test.back {
			t.Errorf("-undo has made\n%s\nwant\n%s", got, test.back)
		}
	}
}

// A file that -undo does not understand is said to be left.
func TestUndoOfTwo(t *testing.T) {
	dir, file := newProgram(t)
	src := "package main\n\nimport (\n\ta \"go.execx.dev/execx\"\n\tb \"go.execx.dev/execx\"\n)\n\nfunc main() { _, _ = a.ErrDot, b.ErrDot }\n"
	write(t, file, []byte(src))
	if got, want := fix(t, dir, 1, "-undo"), "main.go: left: imports os/exec or execx more than once\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if got := read(t, file); string(got) != src {
		t.Errorf("-undo has made\n%s", got)
	}
}

// What a run has left, another with more flags swaps, to the same end as one run, and back.
func TestInSteps(t *testing.T) {
	dir := newModule(t)
	files := make(map[string]string)
	for name, imports := range map[string]string{
		"a": "import \"os/exec\"\n",
		"b": "import (\n\t\"os/exec\"\n)\n",
		"c": "import (\n\t\"fmt\"\n\t\"os/exec\"\n)\n\nvar _ fmt.Stringer\n",
	} {
		file := filepath.Join(dir, name, name+".go")
		files[file] = "package " + name + "\n\n" + imports + `
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
			t.Errorf("made\n%s", got)
		}
	}
	fix(t, dir, 0, "-api")
	for file := range files {
		if got := read(t, file); !bytes.Equal(got, want[file]) {
			t.Errorf("made in two steps\n%s\nwant\n%s", got, want[file])
		}
	}
	fix(t, dir, 0, "-undo")
	for file, src := range files {
		if got := read(t, file); string(got) != src {
			t.Errorf("-undo has made\n%s\nwant\n%s", got, src)
		}
	}
}

// What os/exec has nothing for is left to the user by -undo.
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
	got := string(read(t, file))
	if !strings.Contains(got, "\texecx \"os/exec\"\n") || !strings.Contains(got, "\tc.Dir = \"/\"\n") {
		t.Errorf("made\n%s", got)
	}
}
