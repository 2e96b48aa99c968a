package main

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Each row of MIGRATING.md about what is left has an archive with a line that says so.
func TestMigratingSaysWhatIsLeft(t *testing.T) {
	lines := map[string]struct{ archive, line string }{
		"exported API of a package that other modules can import":             {"api", "exported API: fix.test/api.New"},
		"a function or method whose signature another module dictates":        {"dictated", "is dictated by interface foreign.test.Factory"},
		"the `*exec.Cmd` that a function of another module returns":           {"foreign", "returned.go:9:29: left exec.Cmd: foreign.test.New is of another module"},
		"a slice, map, channel or function of commands":                       {"foreign", "slice.go:10:27: left exec.Command: foreign.test.StartAll is of another module"},
		"a command that is passed to code that is left, and waited for there": {"api", "api.go:32:12: left exec.Command: exported API: fix.test/api.Wait"},
		"a command that may be nil, where another module stores it":           {"nil", "field Command of foreign.test is of another module"},
		"a Cmd that is copied as a value":                                     {"copies", "is copied, which an execx.Cmd must not be"},
		"a Cmd that is embedded beside another type":                          {"embedded", "type beside embeds it beside something else with a Close"},
		"a type that is defined as `exec.Cmd`":                                {"defined", "type cmd has the fields of exec.Cmd, and not its methods"},
		"a package that reaps or traces processes itself":                     {"reaper", "its package reaps or traces by itself"},
		"generated files": {"generated", "is generated"},
		"files for no system, such as `//go:build ignore`": {"systems", ""}, // TestGolden looks at them
		"a package that does not compile as it is":         {"", ""},        // TestBroken
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
		found := false
		for prefix, want := range lines {
			if !strings.HasPrefix(what, prefix) {
				continue
			}
			found = true
			delete(lines, prefix)
			if want.line == "" {
				break
			}
			ar, err := txtar.ParseFile(filepath.Join("testdata", "swap", want.archive+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			if last := ar.Files[len(ar.Files)-1]; !strings.Contains(string(last.Data), want.line) {
				t.Errorf("%s: %s has no line with %q", what, want.archive, want.line)
			}
			break
		}
		if !found {
			t.Errorf("no test of %s", what)
		}
	}
	for prefix := range lines {
		t.Errorf("no row for %s", prefix)
	}
}
