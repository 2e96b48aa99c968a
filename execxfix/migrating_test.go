package main

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// For each row about what is left in MIGRATING.md, an archive has a line with that reason.
func TestMigratingSaysWhatIsLeft(t *testing.T) {
	rows := []struct{ prefix, archive, line string }{
		{"exported API of a package that other modules can import", "api", "exported API: fix.test/api.New"},
		{"a function or method whose signature another module dictates", "dictated", "is dictated by interface foreign.test.Factory"},
		{"the `*exec.Cmd` that a function of another module returns", "foreign", "returned.go:9:29: left exec.Cmd: foreign.test.New is declared in another module"},
		{"a slice, map, channel or function of commands", "foreign", "slice.go:10:27: left exec.Command: foreign.test.StartAll is declared in another module"},
		{"a command that is waited for by code that is left", "api", "api.go:32:12: left exec.Command: exported API: fix.test/api.Wait"},
		{"a command that may be nil, where another module stores it", "nil", "field Command of foreign.test is declared in another module"},
		{"a Cmd that is copied as a value", "copies", "is copied, and an execx.Cmd must not be copied"},
		{"a Cmd that is embedded beside another type", "embedded", "type beside embeds it beside another type that has Close"},
		{"a type that is defined as `exec.Cmd`", "defined", "type cmd has the fields of exec.Cmd but not its methods"},
		{"a package that reaps or traces processes itself", "reaper", "is in a package that reaps or traces processes itself"},
		{"generated files", "generated", "gen.go is generated"},
		{"files for no system, such as `//go:build ignore`", "", ""}, // see TestGolden
		{"a package that did not compile before", "", ""},            // see TestBroken
		{"an import path that contains escape sequences", "", ""},    // see TestUnreadableImports
	}
	_, table, ok := strings.Cut(string(read(t, "../MIGRATING.md")), "| what | why |\n| --- | --- |\n")
	if !ok {
		t.Fatal("MIGRATING.md has no table of what is left")
	}
	for row := range strings.Lines(table) {
		what, ok := strings.CutPrefix(row, "| ")
		if !ok {
			break
		}
		if len(rows) == 0 || !strings.HasPrefix(what, rows[0].prefix) {
			t.Fatalf("no test of %s, or not in this order", what)
		}
		want := rows[0]
		rows = rows[1:]
		if want.line == "" {
			continue
		}
		ar, err := txtar.ParseFile(filepath.Join("testdata", "swap", want.archive+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		if last := ar.Files[len(ar.Files)-1]; !strings.Contains(string(last.Data), want.line) {
			t.Errorf("%s: %s has no line with %q", what, want.archive, want.line)
		}
	}
	for _, row := range rows {
		t.Errorf("no row for %s", row.prefix)
	}
}
