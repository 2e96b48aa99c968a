package creation

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func outer() *Stack { return inner() }

func inner() *Stack { return Callers(1) } // skips inner

func TestStack(t *testing.T) {
	stack := outer().String()
	first, rest, _ := strings.Cut(stack, "\n")
	assert.Equal(t, "go.execx.dev/internal/creation.outer", first)
	assert.Contains(t, rest, "creation_test.go:")
	assert.Contains(t, rest, "creation.TestStack\n")
	assert.Empty(t, (*Stack)(nil).String())
}
