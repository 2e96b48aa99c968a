package execx_test

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"go.execx.dev/execx"
	"go.execx.dev/internal/proctest"
)

// copyOf returns a copy of *c. That is correct before Start, but go vet can't tell it from a copy
// made later.
func copyOf(c *execx.Cmd) *execx.Cmd {
	d := new(execx.Cmd)
	reflect.ValueOf(d).Elem().Set(reflect.ValueOf(c).Elem())
	return d
}

// One command can be the template for several.
func TestCopiesRun(t *testing.T) {
	for _, tt := range []struct {
		name    string
		command func(t *testing.T) *execx.Cmd
	}{
		{"Command", func(*testing.T) *execx.Cmd { return execx.Command("cat") }},
		{"CommandContext", func(t *testing.T) *execx.Cmd {
			ctx, cancel := context.WithCancel(t.Context())
			t.Cleanup(cancel)
			return execx.CommandContext(ctx, "cat")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proctest.NoLeaks(t)
			template := tt.command(t)
			for _, in := range []string{"one", "two"} {
				c := copyOf(template)
				c.Stdin = strings.NewReader(in)
				var out bytes.Buffer
				c.Stdout = &out
				require.NoError(t, c.Run())
				assert.Equal(t, in, out.String())
			}
			assert.Nil(t, template.Process)
			require.NoError(t, template.Run())
		})
	}
}

// The end of a shared context kills all commands copied from one another, in whatever order they
// were started.
func TestContextKillsEveryCopy(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	original := execx.CommandContext(ctx, "sleep", "1000")
	cmds := []*execx.Cmd{copyOf(original), original}
	cmds = append(cmds, copyOf(cmds[0])) // a copy of a copy
	for _, c := range cmds {
		require.NoError(t, c.Start())
		t.Cleanup(func() { c.Kill() })
	}
	cancel()
	for _, c := range cmds {
		err, _ := proctest.Receive(t, c.WaitChan(t.Context()))
		assert.EqualError(t, err, proctest.Killed)
	}
}

// A copy that has its own Cancel keeps it.
func TestCopyWithItsOwnCancel(t *testing.T) {
	proctest.NoLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	original := execx.CommandContext(ctx, "sleep", "1000")
	c := copyOf(original)
	called := 0
	c.Cancel = func() error { called++; return c.Process.Kill() }
	require.NoError(t, c.Start())
	cancel()
	assert.EqualError(t, c.Wait(), proctest.Killed)
	assert.Equal(t, 1, called)
}
