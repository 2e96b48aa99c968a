package main

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// placeholders returns the placeholders of GNU parallel, each followed by its value for line, which
// is number seq of the input.
func placeholders(line string, seq int) []string {
	base := line[strings.LastIndexByte(line, '/')+1:]
	return []string{
		"{}", line,
		"{.}", withoutExtension(line),
		"{/}", base,
		"{//}", directory(line),
		"{/.}", withoutExtension(base),
		"{#}", strconv.Itoa(seq),
	}
}

func withoutExtension(name string) string {
	if ext := path.Ext(name); ext != "." {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

func directory(name string) string {
	switch i := strings.LastIndexByte(strings.TrimRight(name, "/"), '/'); {
	case i > 0:
		return name[:i]
	case strings.HasPrefix(name, "/"):
		return "/"
	}
	return "."
}

// arguments returns the command and its arguments for line, which is number seq of the input.
func arguments(command []string, line string, seq int) []string {
	pairs := placeholders(line, seq)
	r := strings.NewReplacer(pairs...)
	args := make([]string, len(command), len(command)+1)
	substituted := false
	for i, arg := range command {
		args[i] = r.Replace(arg)
		for p := range slices.Chunk(pairs, 2) {
			substituted = substituted || strings.Contains(arg, p[0])
		}
	}
	if !substituted {
		args = append(args, line)
	}
	return args
}

// quoted returns args quoted for a shell, on one line and without control characters.
func quoted(args []string) string {
	var b strings.Builder
	for i, arg := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quote(arg))
	}
	return b.String()
}

func quote(arg string) string {
	special := func(r rune) bool {
		return !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("%+,-./:=@_", r))
	}
	switch escaped := escape(arg); {
	case escaped != arg:
		return "$'" + escape(strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(arg)) + "'"
	case arg == "", strings.ContainsFunc(arg, special):
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return arg
}

// escape returns s with unprintable characters replaced by escape sequences such as \n.
func escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch i := strings.IndexRune("\t\n\r", r); {
		case unicode.IsPrint(r) && (r != utf8.RuneError || size > 1):
			b.WriteString(s[:size])
		case i >= 0:
			b.WriteString(`\` + "tnr"[i:i+1])
		default:
			for _, c := range []byte(s[:size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		s = s[size:]
	}
	return b.String()
}
