//go:build unix

package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// different are the tests of os/exec that are no measure of execx, each with the
// reason.
var different = map[string]string{}

// Each of os/exec's own tests that passes on os/exec passes on execx.
//
// The tests are those of the Go installation that this test runs under, from the
// external test package exec_test. Those in package exec itself use what is not
// exported, and can't be taken. They run in a module of their own, once as they
// are and once after [toExecx], and otherwise alike: with the race detector if
// this test runs with it, and without pidfds if it runs without. They set
// GODEBUG=execwait=2 themselves.
func TestExecTests(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the tests of os/exec twice")
	}
	tool := newGoTool(t)
	if _, err := os.Stat(filepath.Join(tool.GOROOT, "src/os/exec/exec_test.go")); err != nil {
		t.Skip("this Go installation has no sources: ", err)
	}
	same := func(src []byte) ([]byte, error) { return src, nil }
	want := tool.test(t, execTests(t, tool, same))
	got := tool.test(t, execTests(t, tool, toExecx))

	compared, passed := 0, 0
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if want[name].action != "pass" || different[name] != "" {
			continue
		}
		if name != thePackage {
			compared++
		}
		if assert.Equal(t, "pass", got[name].action, "%s passes on os/exec only\n%s", name, got[name].output) && name != thePackage {
			passed++
		}
	}
	require.NotZero(t, compared)
	t.Logf("%s, %s, pidfds %t, race detector %t: of %d tests and subtests that pass on os/exec, %d pass on execx",
		tool.GOVERSION, *goos, pidfds(t), raceDetector, compared, passed)
}

// execTests makes a module of the tests of os/exec, what they import from Go's
// internal packages, and rewrite. It returns its directory.
func execTests(t *testing.T, tool *goTool, rewrite func(src []byte) ([]byte, error)) string {
	t.Helper()
	const module = "std.test"
	dir := tool.module(t, module)
	standIns := make(map[string]bool)
	add := func(src []byte, to string) {
		t.Helper()
		src, err := rewrite(src)
		require.NoError(t, err, to)
		src, err = toStandIns(src, module, standIns)
		require.NoError(t, err, to)
		write(t, filepath.Join(dir, to), src)
	}

	std := os.DirFS("testdata/std")
	files := make(map[string][]byte)
	require.NoError(t, fs.WalkDir(std, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		standIns[path.Dir(name)] = true
		files[name], err = fs.ReadFile(std, name)
		return err
	}))
	for name, src := range files {
		add(src, name)
	}

	execDir := filepath.Join(tool.GOROOT, "src/os/exec")
	system := build.Default
	system.GOOS = *goos
	entries, err := os.ReadDir(execDir)
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		if path.Ext(name) != ".go" {
			continue
		}
		src, err := os.ReadFile(filepath.Join(execDir, name))
		require.NoError(t, err)
		f, err := parse(src)
		require.NoError(t, err, name)
		switch f.Name.Name {
		case "exec_test":
			match, err := system.MatchFile(execDir, name)
			require.NoError(t, err)
			if match {
				add(src, "os/exec/"+name)
			}
		case "main": // a program that a test builds
			add(src, "os/exec/"+name)
		}
	}
	return filepath.Join(dir, "os/exec")
}

// thePackage is the name of the result of a package: it fails with any of its
// tests, and if its TestMain says so.
const thePackage = "the package"

// A result is that of a test, subtest or example, or of the package.
type result struct {
	action string // pass, fail or skip, or "" if it did not come to an end
	output string
}

// test runs the tests of the package in dir, once each, and returns the results by name.
func (tool *goTool) test(t *testing.T, dir string) map[string]result {
	t.Helper()
	args := []string{"test", "-json", "-count=1", "-vet=off"}
	if raceDetector && *goos == runtime.GOOS {
		args = append(args, "-race")
	}
	c := tool.command(t, dir, args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())

	results := make(map[string]result)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var event struct{ Action, Test, Output string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &event), lines.Text())
		name := event.Test
		if name == "" {
			name = thePackage
		}
		r := results[name]
		switch event.Action {
		case "output", "build-output":
			r.output += event.Output
		case "pass", "fail", "skip":
			r.action = event.Action
		}
		results[name] = r
	}
	c.Wait()
	require.Greater(t, len(results), 1, "no test was run: %s%s", results[thePackage].output, &stderr)
	return results
}

// pidfds reports whether os has pidfds to wait with, and so whether execx has.
func pidfds(t *testing.T) bool {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	defer self.Release()
	err = self.WithHandle(func(uintptr) {})
	return !errors.Is(err, os.ErrNoHandle)
}
