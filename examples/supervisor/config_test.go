package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][]command{
		"a: b":                    {{"a", []string{"b"}}},
		"a:b\n":                   {{"a", []string{"b"}}},
		"  a: b c\td \r\n":        {{"a", []string{"b", "c", "d"}}},
		"# c\n\n \t\n #d\na: b #": {{"a", []string{"b", "#"}}},
		"b: x\na: x\n":            {{"b", []string{"x"}}, {"a", []string{"x"}}},
		"a-B_0.9: x:y $z":         {{"a-B_0.9", []string{"x:y", "$z"}}},
		"a: \"b c\" `d \"` \"\"":  {{"a", []string{"b c", `d "`, ""}}},
		`a: "\"\n\\" "'"`:         {{"a", []string{"\"\n\\", "'"}}},
	} {
		got, err := parse(text)
		assert.NoError(t, err, "%q", text)
		assert.Equal(t, want, got, "%q", text)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "1: there is no command",
		"# nothing\n\n":           "2: there is no command",
		"\nsleep 1":               "2: there is no colon after a name",
		": b":                     `1: "" is not a name`,
		"a b: c":                  `1: "a b" is not a name`,
		"ä: c":                    `1: "ä" is not a name`,
		"a:":                      "1: a has no command",
		"a: \t":                   "1: a has no command",
		`a: "b`:                   `1: not a quoted string: "b`,
		`a: "\z"`:                 `1: not a quoted string: "\z"`,
		`a: "b"c`:                 `1: no blank after "b"`,
		`a: b"c d"`:               `1: a quote within b"c, which is not quoted`,
		`a: 'b c'`:                `1: a quote within 'b, which is not quoted`,
		"a: b\n#\na: c\n":         "3: the name a is that of line 1, too",
		"a:\nb: c\nb: d\na: e\n+": "1: a has no command\n3: the name b is that of line 2, too\n5: there is no colon after a name",
	} {
		_, err := parse(text)
		assert.EqualError(t, err, want, "%q", text)
	}
}
