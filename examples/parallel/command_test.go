package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What GNU parallel makes of the same.
func TestPlaceholders(t *testing.T) {
	command := []string{"{}", "{.}", "{/}", "{//}", "{/.}", "<{#}>"}
	for line, want := range map[string][]string{
		"a/b.tar.gz": {"a/b.tar", "b.tar.gz", "a", "b.tar"},
		"a/b/":       {"a/b/", "", "a", ""},
		".x":         {"", ".x", ".", ""},
		"a.b/c":      {"a.b/c", "c", "a.b", "c"},
		"x/.y":       {"x/", ".y", "x", ""},
		"./x":        {"./x", "x", ".", "x"},
		"/x.y":       {"/x", "x.y", "/", "x"},
		"/":          {"/", "", "/", ""},
		"x.":         {"x.", "x.", ".", "x."},
		"{/}":        {"{/}", "}", "{", "}"},
	} {
		want = append(append([]string{line}, want...), "<7>")
		assert.Equal(t, want, arguments(command, line, 7), line)
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
