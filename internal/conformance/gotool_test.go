//go:build unix

package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// goos is the system that the tests of os/exec are built for. If it is not this one, the go command
// uses a program to run them: see "go help run".
var goos = flag.String("goos", runtime.GOOS, "system for which the tests of os/exec are built")

// A goTool is a go command that builds and tests modules created by a test.
type goTool struct {
	GOROOT    string
	GOVERSION string
	GOMOD     string // of this module
	env       []string
}

// newGoTool finds the go command. It skips the test if there is none.
func newGoTool(t *testing.T) *goTool {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	tool := new(goTool)
	out, err := exec.Command("go", "env", "-json", "GOROOT", "GOVERSION", "GOMOD").Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, tool))
	// Work offline: everything needed is in the module cache, since this test was built from it.
	// -trimpath makes packages that were built for another temporary directory usable from the
	// build cache.
	tool.env = append(os.Environ(), "GOOS="+*goos, "GOWORK=off", "GOPROXY=off", "GOFLAGS=-mod=mod -trimpath",
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // otherwise, each program takes a second to exit

	// A test of os/exec that looks for leaked descriptors skips itself if there are descriptors
	// other than the standard ones at its start. These can be a descriptor that the runtime keeps
	// for the CPU limit of a cgroup, and those that this process has inherited.
	tool.env = append(tool.env, "GODEBUG="+strings.TrimPrefix(os.Getenv("GODEBUG")+",containermaxprocs=0", ","))
	for fd := 3; fd <= 100; fd++ {
		syscall.CloseOnExec(fd)
	}
	return tool
}

// module creates a module that can import this one, and returns its directory.
func (tool *goTool) module(t *testing.T, path string) string {
	t.Helper()
	dir, root := t.TempDir(), filepath.Dir(tool.GOMOD)
	version, _, _ := strings.Cut(strings.TrimPrefix(tool.GOVERSION, "go"), " ")
	write(t, filepath.Join(dir, "go.mod"), fmt.Appendf(nil,
		"module %s\n\ngo %s\n\nrequire go.execx.dev v0.0.0\n\nreplace go.execx.dev => %s\n", path, version, root))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	write(t, filepath.Join(dir, "go.sum"), sum)
	return dir
}

// command returns the go command with the given arguments, to run in dir.
func (tool *goTool) command(t *testing.T, dir string, arg ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "go", arg...)
	c.Dir = dir
	c.Env = append(tool.env, "PWD="+dir)
	return c
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
	require.NoError(t, os.WriteFile(name, content, 0o666))
}
