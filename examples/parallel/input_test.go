//go:build unix

package main

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
)

func TestArguments(t *testing.T) {
	for _, test := range []struct{ name, command, stdin, want string }{
		{"placeholder", "printf <%s> a {} b", "x\n", "<a><x><b>"},
		{"several", "printf <%s> {}{} -{}-", "x\n", "<xx><-x->"},
		{"none", "printf <%s> a", "x\n", "<a><x>"},
		{"the program", "{} a", "echo\n", "a\n"},
		{"a line of {}", "printf <%s> {}", "{}\n", "<{}>"},
		{"blanks", "printf <%s>", " a  b\t\n", "< a  b\t>"},
		{"quotes and such", "printf <%s>", `'"\$(*)` + "\n", `<'"\$(*)>`},
		{"carriage return", "printf <%s>", "x\r\n", "<x\r>"},
		{"no newline at the end", "printf <%s>", "x", "<x>"},
		{"empty lines", "printf <%s>", "\n\nx\n\n", "<x>"},
		{"no lines", "printf <%s>", "", ""},
		{"only empty lines", "printf <%s>", "\n\n", ""},
		{"long", "printf <%s>", strings.Repeat("x", 100<<10), "<" + strings.Repeat("x", 100<<10) + ">"},
		{"standard input is empty", "cat - ", "/dev/null\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := parallel(t, test.stdin, strings.Fields(test.command)...)
			assert.Zero(t, code)
			assert.Equal(t, test.want, stdout)
			assert.Empty(t, stderr)
		})
	}
}

func TestNull(t *testing.T) {
	code, stdout, stderr := parallel(t, "a\nb\x00 c \x00\x00d", "-0", "-k", "printf", "<%s>")
	assert.Zero(t, code)
	assert.Equal(t, "<a\nb>< c ><d>", stdout)
	assert.Empty(t, stderr)
}

// With :::, the standard input is not read.
func TestGiven(t *testing.T) {
	c := begin(iotest.ErrReader(errors.New("is read")), "-k", "printf", "<%s>", ":::", "a", "", "b\nc")
	assert.Zero(t, c.wait(t))
	assert.Equal(t, "<a><><b\nc>", c.stdout.String())
	assert.Empty(t, c.stderr.String())

	code, stdout, _ := parallel(t, "x\n", "echo", ":::")
	assert.Zero(t, code)
	assert.Empty(t, stdout)
}
