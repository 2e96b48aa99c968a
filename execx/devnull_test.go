//go:build unix

package execx_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A nil Stdin cannot be written to, and a nil Stdout or Stderr cannot be read.
func TestNil(t *testing.T) {
	for _, script := range []string{
		`cat; echo out; echo err >&2`,
		`echo in >&0`,
		`cat <&1`,
		`cat <&2`,
	} {
		compare(t, func(t *testing.T, command commander) error {
			_, c := command(nil, "sh", "-c", script)
			return c.Run()
		})
	}
}

// What is shared is neither closed nor inherited.
func TestNilAgain(t *testing.T) {
	for range 2 {
		_, c := ours(t.Context(), "true")
		require.NoError(t, c.Run())
	}
	var inherited []string
	compare(t, func(t *testing.T, command commander) error {
		_, c := command(nil, "ls", "/dev/fd/")
		out, err := c.Output()
		inherited = append(inherited, string(out))
		return err
	})
	assert.Equal(t, inherited[0], inherited[1])
}
