package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text string
		want []command
	}{
		{"a: b", []command{{"a", []string{"b"}}}},
		{"a:b\n", []command{{"a", []string{"b"}}}},
		{"  a: b c\td \r\n", []command{{"a", []string{"b", "c", "d"}}}},
		{"# c\n\n \t\n #d\na: b #", []command{{"a", []string{"b", "#"}}}},
		{"b: x\na: x\n", []command{{"b", []string{"x"}}, {"a", []string{"x"}}}},
		{"a-B_0.9: x:y $z", []command{{"a-B_0.9", []string{"x:y", "$z"}}}},
		{"a: \"b c\" `d \"` \"\"", []command{{"a", []string{"b c", `d "`, ""}}}},
		{`a: "\"\n\\" "'"`, []command{{"a", []string{"\"\n\\", "'"}}}},
	} {
		got, err := parse(test.text)
		assert.NoError(t, err, "%q", test.text)
		assert.Equal(t, test.want, got, "%q", test.text)
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "1: there is no command"},
		{"# nothing\n\n", "2: there is no command"},
		{"\nsleep 1", "2: there is no colon after a name"},
		{": b", `1: "" is not a name`},
		{"a b: c", `1: "a b" is not a name`},
		{"ä: c", `1: "ä" is not a name`},
		{"a:", "1: a has no command"},
		{"a: \t", "1: a has no command"},
		{`a: "b`, `1: not a quoted string: "b`},
		{`a: "\z"`, `1: not a quoted string: "\z"`},
		{`a: "b"c`, `1: no blank after "b"`},
		{`a: b"c d"`, `1: b"c contains a quote: quote the whole argument`},
		{`a: 'b c'`, `1: 'b contains a quote: quote the whole argument`},
		{"a: b\n#\na: c\n", "3: the name a is already used in line 1"},
		{"a:\nb: c\nb: d\na: e\n+", "1: a has no command\n3: the name b is already used in line 2\n5: there is no colon after a name"},
	} {
		_, err := parse(test.text)
		assert.EqualError(t, err, test.want, "%q", test.text)
	}
}
