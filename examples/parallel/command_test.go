package main

import (
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The placeholders have the same values as in GNU parallel.
func TestPlaceholders(t *testing.T) {
	command := []string{"{}", "{.}", "{/}", "{//}", "{/.}", "<{#}>"}
	for _, test := range []struct {
		line string
		want []string // for {.}, {/}, {//} and {/.}
	}{
		{"a/b.tar.gz", []string{"a/b.tar", "b.tar.gz", "a", "b.tar"}},
		{"a/b/", []string{"a/b/", "", "a", ""}},
		{".x", []string{"", ".x", ".", ""}},
		{"a.b/c", []string{"a.b/c", "c", "a.b", "c"}},
		{"x/.y", []string{"x/", ".y", "x", ""}},
		{"./x", []string{"./x", "x", ".", "x"}},
		{"/x.y", []string{"/x", "x.y", "/", "x"}},
		{"/", []string{"/", "", "/", ""}},
		{"x.", []string{"x.", "x.", ".", "x."}},
		{"{/}", []string{"{/}", "}", "{", "}"}},
	} {
		want := slices.Concat([]string{test.line}, test.want, []string{"<7>"})
		assert.Equal(t, want, arguments(command, test.line, 7), test.line)
	}
	assert.Equal(t, []string{"echo", "x"}, arguments([]string{"echo"}, "x", 7))
	assert.Equal(t, []string{"echo", "7"}, arguments([]string{"echo", "{#}"}, "x", 7))
	assert.Equal(t, []string{"{x}", "x"}, arguments([]string{"{x}"}, "x", 7))
}

func TestQuoted(t *testing.T) {
	args := []string{"a/b.c", "", "a b", "it's", "$HOME", "*", "~", "ü", "a\nb", "\x1b[31m", "\xff", "it's\t\\n", "\u200b", "\u202ex"}
	got := quoted(args)
	assert.Equal(t, `a/b.c '' 'a b' 'it'\''s' '$HOME' '*' '~' ü $'a\nb' $'\x1b[31m' $'\xff' $'it\'s\t\\n' $'\xe2\x80\x8b' $'\xe2\x80\xaex'`, got)

	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.Command(bash, "-c", `printf '%s\0' `+got).Output()
	require.NoError(t, err)
	var want string
	for _, arg := range args {
		want += arg + "\x00"
	}
	assert.Equal(t, want, string(out))
}
