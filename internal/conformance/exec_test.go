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

// different holds the tests of os/exec that can't be applied to execx, each with the reason.
var different = map[string]string{}

// Each test of os/exec that passes with os/exec passes with execx.
//
// The tests are those of the Go installation that runs this test, from the external test package
// exec_test. Those in package exec use unexported identifiers, and can't be used. The tests run in
// a module of their own, once unchanged and once after [toExecx], and otherwise under the same
// conditions: with the race detector if this test runs with it, and without pidfds if it runs
// without. They set GODEBUG=execwait=2 themselves.
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

// execTests creates a module that contains the tests of os/exec, the internal packages that they
// import, and the given changes. It returns the directory of the module.
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
		case "main": // a program built by a test
			add(src, "os/exec/"+name)
		}
	}
	return filepath.Join(dir, "os/exec")
}

// thePackage is the name of the result of a package, which fails if one of its tests fails or if
// its TestMain says so.
const thePackage = "the package"

// A result is that of a test, subtest, example or package.
type result struct {
	action string // pass, fail or skip, or "" if it did not finish
	output string
}

// test runs the tests of the package in dir once, and returns the results by name.
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

// pidfds reports whether package os, and therefore execx, can wait with pidfds.
func pidfds(t *testing.T) bool {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	defer self.Release()
	err = self.WithHandle(func(uintptr) {})
	return !errors.Is(err, os.ErrNoHandle)
}
