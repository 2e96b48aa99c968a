//go:build unix

package conformance

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A Cmd must not be copied after Start, and go vet reports such copies.
func TestVetFindsCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("runs go vet")
	}
	tool := newGoTool(t)
	for _, tt := range []struct {
		name            string
		body, complaint string
	}{
		{"assignment", "c.Start(); d := *c; return d.Wait()", "assignment copies lock value to d"},
		{"argument", "return func(d exec.Cmd) error { return d.Run() }(*c)", "func passes lock by value"},
		{"range", "for _, d := range []exec.Cmd{{}} { d.Run() }; return nil", "range var d copies lock"},
		{"pointer", "d := c; return d.Run()", ""},
		{"embedded", "d := exec.Cmd{Cmd: c.Cmd}; return d.Run()", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tool.module(t, "copies.test")
			write(t, filepath.Join(dir, "copies.go"), []byte("package copies\n\n"+
				"import exec \"go.execx.dev/execx\"\n\nfunc run(c *exec.Cmd) error { "+tt.body+" }\n"))
			out, err := tool.command(t, dir, "vet", ".").CombinedOutput()
			if tt.complaint == "" {
				assert.NoError(t, err, "%s", out)
				return
			}
			assert.Error(t, err)
			assert.Contains(t, string(out), tt.complaint)
			assert.Contains(t, string(out), "go.execx.dev/execx.Cmd")
		})
	}
}
