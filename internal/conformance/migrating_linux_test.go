package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What MIGRATING.md says to paste does what it says.
func TestMigrating(t *testing.T) {
	if testing.Short() {
		t.Skip("runs go vet")
	}
	tool := newGoTool(t)
	guide, err := os.ReadFile(filepath.Join(filepath.Dir(tool.GOMOD), "MIGRATING.md"))
	require.NoError(t, err)
	var scripts []string
	for i, part := range strings.Split(string(guide), "```") {
		if script, ok := strings.CutPrefix(part, "sh\n"); ok && i%2 == 1 {
			scripts = append(scripts, script)
		}
	}
	require.Len(t, scripts, 3)
	imports, literals, back := scripts[0], scripts[1], scripts[2]

	dir := tool.module(t, "migrating.test")
	paste := func(script string) {
		t.Helper()
		c := exec.Command("bash", "-ec", script)
		c.Dir = dir
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	vet := func() string {
		out, _ := tool.command(t, dir, "vet", "./...").CombinedOutput()
		return string(out)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(b)
	}
	for name, src := range map[string]string{
		"single.go":   "package p\n\nimport \"os/exec\"\n\nvar _ = exec.Command(\"a\")\n",
		"named.go":    "package p\n\nimport (\n\t\"os\"\n\tx \"os/exec\" // why\n)\n\nvar _ = x.Cmd{}\nvar _ os.Signal\n",
		"dot_test.go": "package p\n\nimport . \"os/exec\"\n\nvar _ = Command(\"a\")\n",
		"list.go":     "package p\n\nvar list = []string{\n\t\"os/exec\",\n}\n",
		"literal.go":  "package p\n\nimport (\n\t\"os\"\n\t\"os/exec\"\n)\n\nvar a = &exec.Cmd{Path: os.Args[0]}\n\nvar b = exec.Command(\"b\")\n\nfunc c() *exec.Cmd {\n\treturn &exec.Cmd{\n\t\tPath: \"c\",\n\t\tDir:  \"/\",\n\t}\n}\n",
	} {
		write(t, filepath.Join(dir, name), []byte(src))
	}
	require.Empty(t, vet(), "before")

	list := read("list.go")
	paste(imports)
	assert.Equal(t, list, read("list.go"))
	assert.Contains(t, read("named.go"), "x \"go.execx.dev/execx\" // why\n")
	assert.Contains(t, vet(), "unknown field Path in struct literal of type execx.Cmd")
	paste(literals)
	assert.Contains(t, read("literal.go"), "&exec.Cmd{Cmd: osexec.Cmd{Path: os.Args[0]}}")
	require.Empty(t, vet(), "after")

	paste(back)
	require.Empty(t, vet(), "back again")
	for _, name := range []string{"single.go", "named.go", "dot_test.go", "literal.go"} {
		assert.NotContains(t, read(name), "go.execx.dev", name)
	}
}
